/*
 * proto_schema.cc - Protobuf schemas by libprotobuf's parser and linker, behind a C interface.
 *
 * A pool of its own per schema: what one registered text declares does not meet what another does. No exception
 * leaves this file. Imports that everybody has (google/protobuf, google/type, confluent) need no reference.
 */
/* Structs alone: value.h is no C++. */
extern "C" {
#include "serde/proto_schema.h"
}

#include <map>
#include <string>

#include <google/protobuf/any.pb.h>
#include <google/protobuf/api.pb.h>
#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/source_context.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/type.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <google/protobuf/wrappers.pb.h>

namespace pb = google::protobuf;

namespace {

const int    deepest_import = 32;
const int    deepest_uses   = 1000; /* a message of another file by a message by a message ... */
const int    deepest_braces = 200; /* the parser calls itself for each */
const size_t longest_text   = 1 << 20;
const int    field_meta     = 1088; /* Confluent's extension of FieldOptions */

const struct {
    const char *name, *text;
} well_known[] = {
    {"google/type/date.proto", "syntax = \"proto3\"; package google.type;\n"
                               "message Date { int32 year = 1; int32 month = 2; int32 day = 3; }\n"},
    {"google/type/timeofday.proto",
     "syntax = \"proto3\"; package google.type;\n"
     "message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }\n"},
    {"confluent/type/decimal.proto",
     "syntax = \"proto3\"; package confluent.type;\n"
     "message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }\n"},
    {"confluent/meta.proto",
     "syntax = \"proto3\"; package confluent; import \"google/protobuf/descriptor.proto\";\n"
     "message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }\n"
     "extend google.protobuf.FileOptions { Meta file_meta = 1088; }\n"
     "extend google.protobuf.MessageOptions { Meta message_meta = 1088; }\n"
     "extend google.protobuf.FieldOptions { Meta field_meta = 1088; }\n"
     "extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }\n"
     "extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }\n"},
};

/* The first complaint is the one that helps. */
struct Complaints : pb::io::ErrorCollector, pb::DescriptorPool::ErrorCollector {
    std::string first;

    void AddError(int line, pb::io::ColumnNumber column, const std::string &message) override
    {
        if (first.empty())
            first = "line " + std::to_string(line + 1) + ", column " + std::to_string(column + 1) + ": " + message;
    }
    void AddError(const std::string &, const std::string &element, const pb::Message *, ErrorLocation,
                  const std::string &message) override
    {
        if (first.empty())
            first = element + ": " + message;
    }
    void AddWarning(const std::string &, const std::string &, const pb::Message *, ErrorLocation,
                    const std::string &) override
    {
    }
};

struct Linking {
    pb::DescriptorPool       pool;
    Complaints               complaints;
    const ResolvedReference *references;
    size_t                   reference_count;
};

/* What Confluent's printer writes into entries of maps and protoc refuses to read. */
void drop_map_entry(pb::DescriptorProto *message, int depth)
{
    auto *options = message->mutable_options()->mutable_uninterpreted_option();
    for (int i = options->size() - 1; i >= 0; i--)
        if (options->Get(i).name_size() == 1 && options->Get(i).name(0).name_part() == "map_entry")
            options->DeleteSubrange(i, 1);
    for (int i = 0; i < message->nested_type_size() && depth < 100; i++)
        drop_map_entry(message->mutable_nested_type(i), depth + 1);
}

/* Braces in texts and comments count, too: nobody has hundreds of those open. */
bool nests_too_deep(const char *text, size_t len)
{
    int depth = 0;
    for (size_t i = 0; i < len && depth <= deepest_braces; i++)
        depth += text[i] == '{' ? 1 : text[i] == '}' && depth > 0 ? -1 : 0;
    return depth > deepest_braces;
}

const pb::FileDescriptor *add_text(Linking *link, const std::string &name, const char *text, size_t len, int depth);

bool find_text(const Linking *link, const std::string &name, const char **text, size_t *len)
{
    for (size_t i = 0; i < link->reference_count; i++) {
        const ResolvedReference *reference = &link->references[i];
        if (name == std::string(reference->name.ptr, reference->name.len)) {
            *text = reference->text.ptr;
            *len  = reference->text.len;
            return true;
        }
    }
    for (const auto &known : well_known)
        if (name == known.name) {
            *text = known.text;
            *len  = strlen(known.text);
            return true;
        }
    return false;
}

bool add_import(Linking *link, const std::string &name, int depth);

/* A message of each file that comes with the library. The pool of generated files has only those that something refers to: an archive's other
 * members are not linked. */
const pb::Descriptor *(*const generated[])() = {
    pb::Any::descriptor,         pb::Api::descriptor,    pb::DescriptorProto::descriptor,
    pb::Duration::descriptor,    pb::Empty::descriptor,  pb::FieldMask::descriptor,
    pb::SourceContext::descriptor, pb::Struct::descriptor, pb::Timestamp::descriptor,
    pb::Type::descriptor,        pb::BoolValue::descriptor,
};

const pb::FileDescriptor *find_generated(const std::string &name)
{
    for (auto message : generated)
        if (message()->file()->name() == name)
            return message()->file();
    return nullptr;
}

bool add_generated(Linking *link, const std::string &name, int depth)
{
    const pb::FileDescriptor *file = find_generated(name);
    if (file == nullptr)
        return false;
    pb::FileDescriptorProto proto;
    file->CopyTo(&proto);
    for (const auto &dependency : proto.dependency())
        if (!add_import(link, dependency, depth + 1))
            return false;
    return link->pool.BuildFileCollectingErrors(proto, &link->complaints) != nullptr;
}

bool add_import(Linking *link, const std::string &name, int depth)
{
    const char *text;
    size_t      len;
    if (link->pool.FindFileByName(name) != nullptr)
        return true;
    if (depth > deepest_import) {
        link->complaints.AddError(0, 0, "imports are cyclic or nest too deep");
        return false;
    }
    if (find_text(link, name, &text, &len))
        return add_text(link, name, text, len, depth) != nullptr;
    if (name.compare(0, 16, "google/protobuf/") == 0 && add_generated(link, name, depth))
        return true;
    link->complaints.AddError(0, 0, "the import \"" + name + "\" is not known");
    return false;
}

const pb::FileDescriptor *add_file(Linking *link, pb::FileDescriptorProto *proto, const std::string &name, int depth)
{
    proto->set_name(name);
    for (const auto &dependency : proto->dependency())
        if (!add_import(link, dependency, depth + 1))
            return nullptr;
    for (int i = 0; i < proto->message_type_size(); i++)
        drop_map_entry(proto->mutable_message_type(i), 0);
    return link->pool.BuildFileCollectingErrors(*proto, &link->complaints);
}

const pb::FileDescriptor *add_text(Linking *link, const std::string &name, const char *text, size_t len, int depth)
{
    if (len > longest_text) {
        link->complaints.AddError(0, 0, "the text is too long");
        return nullptr;
    }
    if (nests_too_deep(text, len)) {
        link->complaints.AddError(0, 0, "messages nest too deep");
        return nullptr;
    }
    pb::io::ArrayInputStream input(text, static_cast<int>(len));
    pb::io::Tokenizer        tokenizer(&input, &link->complaints);
    pb::compiler::Parser     parser;
    pb::FileDescriptorProto  proto;
    parser.RecordErrorsTo(&link->complaints);
    if (!parser.Parse(&tokenizer, &proto) || !link->complaints.first.empty())
        return nullptr;
    return add_file(link, &proto, name, depth);
}

/* A FileDescriptorProto in base64. What is none leaves no complaint: the one about the text is the one that helps. */
const pb::FileDescriptor *add_descriptor(Linking *link, Arena *arena, Str text)
{
    pb::FileDescriptorProto proto;
    Str                     bytes;
    if (text.len > longest_text || base64_decode(arena, text, &bytes, nullptr) != OK ||
        !proto.ParseFromArray(bytes.ptr, static_cast<int>(bytes.len)))
        return nullptr;
    return add_file(link, &proto, "schema.proto", 0);
}

/* ---- descriptors to structs ---- */

struct Copying {
    Arena                                             *arena;
    std::map<const pb::Descriptor *, ProtoMessage *> done;
    int depth = 0;
};

struct TooDeep {};

Str copy_text(Arena *arena, const std::string &text)
{
    return str_dup(arena, Str{text.data(), text.size()});
}

ProtoKind kind_of(pb::FieldDescriptor::Type type)
{
    switch (type) {
    case pb::FieldDescriptor::TYPE_DOUBLE:
        return PROTO_DOUBLE;
    case pb::FieldDescriptor::TYPE_FLOAT:
        return PROTO_FLOAT;
    case pb::FieldDescriptor::TYPE_INT32:
        return PROTO_INT32;
    case pb::FieldDescriptor::TYPE_INT64:
        return PROTO_INT64;
    case pb::FieldDescriptor::TYPE_UINT32:
        return PROTO_UINT32;
    case pb::FieldDescriptor::TYPE_UINT64:
        return PROTO_UINT64;
    case pb::FieldDescriptor::TYPE_SINT32:
        return PROTO_SINT32;
    case pb::FieldDescriptor::TYPE_SINT64:
        return PROTO_SINT64;
    case pb::FieldDescriptor::TYPE_FIXED32:
        return PROTO_FIXED32;
    case pb::FieldDescriptor::TYPE_FIXED64:
        return PROTO_FIXED64;
    case pb::FieldDescriptor::TYPE_SFIXED32:
        return PROTO_SFIXED32;
    case pb::FieldDescriptor::TYPE_SFIXED64:
        return PROTO_SFIXED64;
    case pb::FieldDescriptor::TYPE_BOOL:
        return PROTO_BOOL;
    case pb::FieldDescriptor::TYPE_STRING:
        return PROTO_STRING;
    case pb::FieldDescriptor::TYPE_BYTES:
        return PROTO_BYTES;
    case pb::FieldDescriptor::TYPE_ENUM:
        return PROTO_ENUM;
    case pb::FieldDescriptor::TYPE_MESSAGE:
        return PROTO_MESSAGE;
    default:
        return PROTO_GROUP;
    }
}

ProtoSpecial special_of(const std::string &name)
{
    static const char *const wrappers[] = {"Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"};
    for (const char *wrapper : wrappers)
        if (name == std::string("google.protobuf.") + wrapper + "Value")
            return SPECIAL_WRAPPER;
    if (name == "google.protobuf.Timestamp")
        return SPECIAL_TIMESTAMP;
    if (name == "google.type.Date")
        return SPECIAL_DATE;
    if (name == "google.type.TimeOfDay")
        return SPECIAL_TIME;
    return name == "confluent.type.Decimal" ? SPECIAL_DECIMAL : SPECIAL_NONE;
}

/* (confluent.field_meta).params "precision" and "scale": an extension that this program has no class for, so it is
 * read as the unknown field that it is. */
void read_meta(const pb::FieldDescriptor *field, ProtoField *out)
{
    const pb::UnknownFieldSet &options =
        field->options().GetReflection()->GetUnknownFields(field->options());
    for (int i = 0; i < options.field_count(); i++) {
        const pb::UnknownField &option = options.field(i);
        pb::UnknownFieldSet     meta;
        if (option.number() != field_meta || option.type() != pb::UnknownField::TYPE_LENGTH_DELIMITED ||
            !meta.ParseFromString(option.length_delimited()))
            continue;
        for (int j = 0; j < meta.field_count(); j++) {
            pb::UnknownFieldSet entry;
            std::string         key, value;
            if (meta.field(j).number() != 2 || meta.field(j).type() != pb::UnknownField::TYPE_LENGTH_DELIMITED ||
                !entry.ParseFromString(meta.field(j).length_delimited()))
                continue;
            for (int k = 0; k < entry.field_count(); k++)
                if (entry.field(k).type() == pb::UnknownField::TYPE_LENGTH_DELIMITED)
                    (entry.field(k).number() == 1 ? key : value) = entry.field(k).length_delimited();
            if (key == "precision")
                out->precision = atoi(value.c_str());
            else if (key == "scale")
                out->scale = atoi(value.c_str());
        }
    }
    if (out->precision < 1 || out->precision > 1000 || out->scale < 0 || out->scale > out->precision)
        out->precision = out->scale = 0;
}

/* By protoc's own mark, or by the shape that Confluent's printer leaves of it. */
bool is_entry(const pb::Descriptor *message)
{
    if (message->options().map_entry())
        return true;
    const std::string &name = message->name();
    return name.size() > 5 && name.compare(name.size() - 5, 5, "Entry") == 0 && message->containing_type() != nullptr &&
           message->field_count() == 2 && message->field(0)->name() == "key" && message->field(0)->number() == 1 &&
           message->field(1)->name() == "value" && message->field(1)->number() == 2;
}

ProtoMessage *copy_message(Copying *copy, const pb::Descriptor *from);

void copy_enum(Arena *arena, const pb::EnumDescriptor *from, ProtoField *out)
{
    size_t   count   = static_cast<size_t>(from->value_count());
    Str     *symbols = static_cast<Str *>(arena_calloc(arena, count + 1, sizeof(Str)));
    int32_t *numbers = static_cast<int32_t *>(arena_calloc(arena, count + 1, sizeof(int32_t)));
    for (size_t i = 0; i < count; i++) {
        symbols[i] = copy_text(arena, from->value(static_cast<int>(i))->name());
        numbers[i] = from->value(static_cast<int>(i))->number();
    }
    out->symbols      = symbols;
    out->numbers      = numbers;
    out->symbol_count = count;
}

void copy_field(Copying *copy, const pb::FieldDescriptor *from, ProtoField *out)
{
    const pb::OneofDescriptor *oneof = from->real_containing_oneof();
    out->name                        = copy_text(copy->arena, from->name());
    out->number                      = from->number();
    out->kind                        = kind_of(from->type());
    out->repeated                    = from->is_repeated();
    out->presence                    = !from->is_repeated() && from->has_presence();
    out->oneof                       = oneof == nullptr ? -1 : oneof->index();
    if (from->message_type() != nullptr) {
        out->message = copy_message(copy, from->message_type());
        out->map     = from->is_repeated() && is_entry(from->message_type());
    }
    if (from->enum_type() != nullptr)
        copy_enum(copy->arena, from->enum_type(), out);
    read_meta(from, out);
}

void fill_message(Copying *copy, const pb::Descriptor *from, ProtoMessage *out)
{
    if (copy->done.count(from) != 0 && copy->done[from] == out && out->full_name.ptr != nullptr)
        return;
    out->full_name   = copy_text(copy->arena, from->full_name());
    out->special     = special_of(from->full_name());
    out->count       = static_cast<size_t>(from->field_count());
    out->fields      = static_cast<ProtoField *>(arena_calloc(copy->arena, out->count + 1, sizeof(ProtoField)));
    out->oneof_count = static_cast<size_t>(from->real_oneof_decl_count());
    out->oneofs      = static_cast<Str *>(arena_calloc(copy->arena, out->oneof_count + 1, sizeof(Str)));
    for (int i = 0; i < from->real_oneof_decl_count(); i++)
        out->oneofs[i] = copy_text(copy->arena, from->oneof_decl(i)->name());
    size_t        nested = static_cast<size_t>(from->nested_type_count());
    ProtoMessage *array  = static_cast<ProtoMessage *>(arena_calloc(copy->arena, nested + 1, sizeof(ProtoMessage)));
    out->nested          = array;
    out->nested_count    = nested;
    for (size_t i = 0; i < nested; i++)
        copy->done[from->nested_type(static_cast<int>(i))] = &array[i];
    for (size_t i = 0; i < nested; i++)
        fill_message(copy, from->nested_type(static_cast<int>(i)), &array[i]);
    for (size_t i = 0; i < out->count; i++)
        copy_field(copy, from->field(static_cast<int>(i)), &out->fields[i]);
}

/* One that is met before its place in its parent's array is known: in another file, or further down. */
ProtoMessage *copy_message(Copying *copy, const pb::Descriptor *from)
{
    auto found = copy->done.find(from);
    if (found != copy->done.end())
        return found->second;
    ProtoMessage *message = static_cast<ProtoMessage *>(arena_calloc(copy->arena, 1, sizeof(ProtoMessage)));
    copy->done[from]      = message;
    if (++copy->depth > deepest_uses)
        throw TooDeep();
    fill_message(copy, from, message);
    copy->depth--;
    return message;
}

const ProtoFile *copy_file(Arena *arena, const pb::FileDescriptor *from)
{
    Copying       copy{arena, {}};
    size_t        count = static_cast<size_t>(from->message_type_count());
    ProtoFile    *file  = static_cast<ProtoFile *>(arena_calloc(arena, 1, sizeof(ProtoFile)));
    ProtoMessage *array = static_cast<ProtoMessage *>(arena_calloc(arena, count + 1, sizeof(ProtoMessage)));
    for (size_t i = 0; i < count; i++)
        copy.done[from->message_type(static_cast<int>(i))] = &array[i];
    for (size_t i = 0; i < count; i++)
        fill_message(&copy, from->message_type(static_cast<int>(i)), &array[i]);
    file->messages = array;
    file->count    = count;
    return file;
}

} // namespace

namespace {

Status refuse(const Linking &link, Error *err)
{
    return error_set(err, E_DATA, NO_POS, "Not a valid Protobuf schema: %s", link.complaints.first.c_str());
}

void use_references(Linking *link, const ResolvedReference *references, size_t count)
{
    link->references      = references;
    link->reference_count = count;
}

/* What libprotobuf prints is read again before it takes the place of somebody's text. */
bool is_readable(const std::string &printed, const ResolvedReference *references, size_t count)
{
    Linking link;
    use_references(&link, references, count);
    return add_text(&link, "schema.proto", printed.data(), printed.size(), 0) != nullptr;
}

} // namespace

extern "C" Status proto_parse(Str text, const ResolvedReference *references, size_t reference_count, Arena *arena,
                              const ProtoFile **out, Error *err)
try {
    pb::LogSilencer silencer; /* complaints go into err, not to stderr */
    Linking         link;
    use_references(&link, references, reference_count);
    const pb::FileDescriptor *file = add_text(&link, "schema.proto", text.ptr, text.len, 0);
    if (file == nullptr)
        return refuse(link, err);
    *out = copy_file(arena, file);
    return OK;
} catch (const TooDeep &) {
    return error_set(err, E_DATA, NO_POS, "Not a valid Protobuf schema: its messages use each other too deep");
} catch (...) {
    return error_set(err, E_LIMIT, NO_POS, "No memory for a Protobuf schema");
}

extern "C" Status proto_canonical(Str text, const ResolvedReference *references, size_t reference_count, Arena *arena,
                                  Str *out, Error *err)
try {
    pb::LogSilencer silencer;
    Linking         link, other; /* a pool that has failed is not used again */
    use_references(&link, references, reference_count);
    use_references(&other, references, reference_count);
    const pb::FileDescriptor *file    = add_text(&link, "schema.proto", text.ptr, text.len, 0);
    bool                      is_text = file != nullptr;
    if (!is_text)
        file = add_descriptor(&other, arena, text);
    if (file == nullptr)
        return refuse(link, err);
    std::string printed = file->DebugString();
    if (is_readable(printed, references, reference_count))
        *out = copy_text(arena, printed);
    else if (is_text)
        *out = str_dup(arena, text);
    else
        return error_set(err, E_DATA, NO_POS, "Not a valid Protobuf schema: it has no form as a text");
    return OK;
} catch (...) {
    return error_set(err, E_LIMIT, NO_POS, "No memory for a Protobuf schema");
}

extern "C" Status proto_serialized(Str text, const ResolvedReference *references, size_t reference_count, Arena *arena,
                                   Str *out, Error *err)
try {
    pb::LogSilencer silencer;
    Linking         link;
    use_references(&link, references, reference_count);
    const pb::FileDescriptor *file = add_text(&link, "schema.proto", text.ptr, text.len, 0);
    if (file == nullptr)
        return refuse(link, err);
    pb::FileDescriptorProto proto;
    file->CopyTo(&proto);
    *out = copy_text(arena, proto.SerializeAsString());
    return OK;
} catch (...) {
    return error_set(err, E_LIMIT, NO_POS, "No memory for a Protobuf schema");
}
