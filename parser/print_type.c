/*
 * print_type.c - the canonical text of types: INT is INTEGER, VARCHAR is STRING, custom types keep their
 * name.
 */
#include "parser/print.h"

void print_type(Printer *printer, const AstType *type)
{
    StrBuf *out = printer->out;
    switch (type->kind) {
    case AST_TYPE_NAMED: {
        const SqlType *primitive = type_primitive(type->name);
        if (primitive != NULL)
            strbuf_adds(out, type_kind_name(primitive->kind));
        else
            print_name(printer, type->name);
        break;
    }
    case AST_TYPE_DECIMAL:
        strbuf_addf(out, "DECIMAL(%lld, %lld)", (long long)type->precision, (long long)type->scale);
        break;
    case AST_TYPE_ARRAY:
        strbuf_adds(out, "ARRAY<");
        print_type(printer, type->element);
        strbuf_addc(out, '>');
        break;
    case AST_TYPE_MAP:
        strbuf_adds(out, "MAP<");
        print_type(printer, type->key);
        strbuf_adds(out, ", ");
        print_type(printer, type->element);
        strbuf_addc(out, '>');
        break;
    case AST_TYPE_STRUCT:
        strbuf_adds(out, type->field_count > 0 ? "STRUCT<" : "STRUCT< "); /* `<>` would be an operator */
        for (size_t i = 0; i < type->field_count; i++) {
            if (i > 0)
                strbuf_adds(out, ", ");
            print_name(printer, type->fields[i].name.text);
            strbuf_addc(out, ' ');
            print_type(printer, type->fields[i].type);
        }
        strbuf_addc(out, '>');
        break;
    }
}

void ast_print_type(const AstType *type, StrBuf *out)
{
    Printer printer = {.out = out};
    print_type(&printer, type);
}
