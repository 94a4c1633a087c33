/*
 * JavaRegistry.java - Confluent's Java client against the schema registry of a server, and records as its Avro serializer writes them.
 *
 * usage: java -cp JAR JavaRegistry.java http://HOST:PORT
 *
 * The client comes out of the jar that Flink ships for SQL (java_registry.sh), in which packages have other names. Its Avro serializer is not in there: a frame
 * is five bytes before what Avro's own writer makes, so it is written out below.
 */
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.avro.AvroSchema;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.avro.AvroSchemaProvider;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.CachedSchemaRegistryClient;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.SchemaMetadata;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.SchemaReference;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;
import org.apache.flink.avro.shaded.org.apache.avro.Schema;
import org.apache.flink.avro.shaded.org.apache.avro.generic.GenericData;
import org.apache.flink.avro.shaded.org.apache.avro.generic.GenericDatumReader;
import org.apache.flink.avro.shaded.org.apache.avro.generic.GenericDatumWriter;
import org.apache.flink.avro.shaded.org.apache.avro.generic.GenericRecord;
import org.apache.flink.avro.shaded.org.apache.avro.io.BinaryEncoder;
import org.apache.flink.avro.shaded.org.apache.avro.io.DecoderFactory;
import org.apache.flink.avro.shaded.org.apache.avro.io.EncoderFactory;

public class JavaRegistry {
    static final String ORDER = "{\"type\":\"record\",\"name\":\"Order\",\"namespace\":\"shop.sales\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},"
            + "{\"name\":\"status\",\"type\":{\"type\":\"enum\",\"name\":\"Status\",\"symbols\":[\"NEW\",\"PAID\"]}},"
            + "{\"name\":\"price\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":6,\"scale\":2}},"
            + "{\"name\":\"note\",\"type\":[\"null\",\"string\"],\"default\":null},"
            + "{\"name\":\"tags\",\"type\":{\"type\":\"map\",\"values\":\"string\"}},"
            + "{\"name\":\"lines\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"Line\",\"fields\":[{\"name\":\"sku\",\"type\":\"string\"},{\"name\":\"n\",\"type\":\"int\"}]}}}]}";
    static String url;
    static CachedSchemaRegistryClient client;
    static int checks = 0;

    static void check(String what, Object expected, Object is) {
        checks++;
        if (!expected.equals(is))
            throw new AssertionError(what + ": expected " + expected + ", got " + is);
    }

    interface Call {
        void run() throws Exception;
    }

    static void refused(String what, int code, Call call) throws Exception {
        try {
            call.run();
        } catch (RestClientException e) {
            check(what, code, e.getErrorCode());
            return;
        }
        throw new AssertionError(what + ": was not refused");
    }

    static String post(String path, String body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + path)).timeout(java.time.Duration.ofSeconds(20)).POST(HttpRequest.BodyPublishers.ofString(body)).build();
        HttpResponse<String> answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200)
            throw new AssertionError(path + " " + body + ": " + answer.statusCode() + " " + answer.body());
        return answer.body();
    }

    static void ksql(String text) throws Exception {
        post("/ksql", "{\"ksql\":\"" + text.replace("\"", "\\\"") + "\"}");
    }

    /** The columns of the first row, as the JSON that they are in. */
    static String row(String select) throws Exception {
        String answer = post("/query", "{\"ksql\":\"" + select + " EMIT CHANGES LIMIT 1;\",\"streamsProperties\":{\"auto.offset.reset\":\"earliest\"}}");
        Matcher row = Pattern.compile("\"columns\":\\s*\\[(.*)\\]\\}\\}").matcher(answer);
        check("a row in " + answer, true, row.find());
        return row.group(1).replace(", ", ",").replace(": ", ":");
    }

    static byte[] serialize(int id, Schema schema, GenericRecord record) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(0);
        out.write(ByteBuffer.allocate(4).putInt(id).array());
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        new GenericDatumWriter<GenericRecord>(schema).write(record, encoder);
        encoder.flush();
        return out.toByteArray();
    }

    static GenericRecord deserialize(byte[] bytes, Schema reader) throws Exception {
        ByteBuffer frame = ByteBuffer.wrap(bytes);
        check("magic byte", (byte) 0, frame.get());
        Schema writer = ((AvroSchema) client.getSchemaById(frame.getInt())).rawSchema();
        return new GenericDatumReader<GenericRecord>(writer, reader == null ? writer : reader)
                .read(null, DecoderFactory.get().binaryDecoder(bytes, 5, bytes.length - 5, null));
    }

    static GenericRecord order(Schema schema) {
        GenericRecord order = new GenericData.Record(schema), line = new GenericData.Record(schema.getField("lines").schema().getElementType());
        line.put("sku", "x");
        line.put("n", 2);
        order.put("id", 7L);
        order.put("status", new GenericData.EnumSymbol(schema.getField("status").schema(), "PAID"));
        order.put("price", ByteBuffer.wrap(new byte[] {0x04, (byte) 0xd2})); // 12.34
        order.put("note", "hi");
        order.put("tags", Map.of("k", "v"));
        order.put("lines", List.of(line));
        return order;
    }

    static void administration() throws Exception {
        AvroSchema one = new AvroSchema("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"}]}");
        AvroSchema more = new AvroSchema("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"b\",\"type\":\"int\",\"default\":1}]}");
        AvroSchema other = new AvroSchema("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"string\"}]}");
        int id = client.register("r-value", one);
        check("the same id again", id, client.register("r-value", one));
        check("its id", id, client.getId("r-value", one));
        check("its version", 1, client.getVersion("r-value", one));
        check("compatible", true, client.testCompatibility("r-value", more));
        check("incompatible", false, client.testCompatibility("r-value", other));
        refused("an incompatible one", 409, () -> client.register("r-value", other));
        check("the next id", true, client.register("r-value", more) > id);
        check("all versions", List.of(1, 2), client.getAllVersions("r-value"));
        SchemaMetadata latest = client.getLatestSchemaMetadata("r-value");
        check("the latest", 2, latest.getVersion());
        check("as it was", more.rawSchema(), new Schema.Parser().parse(latest.getSchema()));
        check("the level", "NONE", client.updateCompatibility("r-value", "NONE"));
        check("the level as it is", "NONE", client.getCompatibility("r-value"));
        client.register("r-value", other);
        check("subjects", true, client.getAllSubjects().contains("r-value"));
        check("whose it is", true, client.getAllSubjectsById(id).contains("r-value"));
        client.register("line-value", new AvroSchema("{\"type\":\"record\",\"name\":\"L\",\"namespace\":\"n\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"}]}"));
        int outer = client.register("outer-value", new AvroSchema("{\"type\":\"record\",\"name\":\"O\",\"fields\":[{\"name\":\"l\",\"type\":\"n.L\"}]}",
                List.of(new SchemaReference("n.L", "line-value", 1)), Map.of("n.L", "{\"type\":\"record\",\"name\":\"L\",\"namespace\":\"n\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"}]}"), null));
        CachedSchemaRegistryClient fresh = open();
        check("with its reference", "n.L", ((AvroSchema) fresh.getSchemaById(outer)).rawSchema().getField("l").schema().getFullName());
        check("deleted", List.of(1, 2, 3), client.deleteSubject("r-value"));
        refused("what is gone", 40401, () -> open().getLatestSchemaMetadata("r-value"));
        refused("an id that is none", 40403, () -> open().getSchemaById(99999));
    }

    static void records() throws Exception {
        Schema schema = new Schema.Parser().parse(ORDER);
        int id = client.register("orders-value", new AvroSchema(schema));
        byte[] value = serialize(id, schema, order(schema));
        Schema key = new Schema.Parser().parse("{\"type\":\"record\",\"name\":\"Key\",\"fields\":[{\"name\":\"ID\",\"type\":\"long\"}]}");
        int keyId = client.register("orders-key", new AvroSchema(key));
        GenericRecord keyRecord = new GenericData.Record(key);
        keyRecord.put("ID", 7L);
        Base64.Encoder base64 = Base64.getEncoder();
        post("/sluice/records", "{\"topic\":\"orders\",\"partitions\":1,\"records\":[{\"key64\":\"" + base64.encodeToString(serialize(keyId, key, keyRecord))
                + "\",\"value64\":\"" + base64.encodeToString(value) + "\"}]}");
        ksql("CREATE STREAM ORDERS WITH (kafka_topic='orders', key_format='AVRO', value_format='AVRO');");
        check("read", "{\"ID\":7},7,\"PAID\",12.34,\"hi\",{\"k\":\"v\"},[{\"SKU\":\"x\",\"N\":2}]", row("SELECT * FROM ORDERS"));
        ksql("CREATE STREAM OUT WITH (kafka_topic='out') AS SELECT ROWKEY, ID + 1 AS ID, STATUS, PRICE * 2 AS PRICE, NOTE, TAGS, LINES FROM ORDERS;");
        ksql("CREATE STREAM RAW (V BYTES) WITH (kafka_topic='out', value_format='KAFKA');");
        GenericRecord read = deserialize(Base64.getDecoder().decode(row("SELECT V FROM RAW").replace("\"", "")), null);
        check("written", 8L, read.get("ID"));
        check("its text", "PAID", read.get("STATUS").toString());
        check("its map, a list of entries as Connect writes it", "[{\"key\": \"k\", \"value\": \"v\"}]", read.get("TAGS").toString());
        check("its list", "[{\"SKU\": \"x\", \"N\": 2}]", read.get("LINES").toString());
        check("its decimal", 2468, new java.math.BigInteger(((ByteBuffer) read.get("PRICE")).array()).intValue());
        Schema old = new Schema.Parser().parse("{\"type\":\"record\",\"name\":\"KsqlDataSourceSchema\",\"namespace\":\"io.confluent.ksql.avro_schemas\",\"fields\":["
                + "{\"name\":\"ID\",\"type\":[\"null\",\"long\"]},{\"name\":\"LATER\",\"type\":\"int\",\"default\":5}]}");
        check("by another reader", "{\"ID\": 8, \"LATER\": 5}", deserialize(Base64.getDecoder().decode(row("SELECT V FROM RAW").replace("\"", "")), old).toString());
    }

    static CachedSchemaRegistryClient open() {
        return new CachedSchemaRegistryClient(List.of(url), 100, List.of(new AvroSchemaProvider()), Map.of(), Map.of());
    }

    public static void main(String[] args) throws Exception {
        url = args[0];
        client = open();
        administration();
        records();
        System.out.println(checks + " checks passed");
    }
}
