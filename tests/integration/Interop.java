/*
 * Interop.java - Kafka's own Java: its client, its partitioner, the windowed serdes of Kafka Streams. Told what to do by lines on standard input, of fields
 * with a tab between; each is answered by lines, the last of which is a dot.
 *
 *   write TOPIC KIND TYPE KEY START END TEXT   a record with a windowed key, in the partition in which Kafka Streams puts it
 *   read TOPIC COUNT KIND TYPE                 partition, partition by Java, key, start, end, value: of COUNT records, from the first on
 *
 * KIND: time (windows of 10 s), session, none. TYPE: STRING, INTEGER, BIGINT, DOUBLE, BYTES (in hexadecimal digits).
 */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.kstream.SessionWindowedDeserializer;
import org.apache.kafka.streams.kstream.SessionWindowedSerializer;
import org.apache.kafka.streams.kstream.TimeWindowedDeserializer;
import org.apache.kafka.streams.kstream.TimeWindowedSerializer;
import org.apache.kafka.streams.kstream.Window;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.kstream.internals.SessionWindow;
import org.apache.kafka.streams.kstream.internals.TimeWindow;

public class Interop {
    static final long SIZE_MS = 10_000;
    static Properties config = new Properties();
    static KafkaProducer<byte[], byte[]> producer;

    @SuppressWarnings("unchecked")
    static Serde<Object> serde(String type) {
        Serde<?> serde = switch (type) {
            case "INTEGER" -> Serdes.Integer();
            case "BIGINT" -> Serdes.Long();
            case "DOUBLE" -> Serdes.Double();
            case "BYTES" -> Serdes.ByteArray();
            default -> Serdes.String();
        };
        return (Serde<Object>) serde;
    }

    static Object value(String type, String text) {
        return switch (type) {
            case "INTEGER" -> Integer.valueOf(text);
            case "BIGINT" -> Long.valueOf(text);
            case "DOUBLE" -> Double.valueOf(text);
            default -> text;
        };
    }

    static int partition(byte[] key, int partitions) {
        return BuiltInPartitioner.partitionForKey(key, partitions);
    }

    static void write(String[] f) throws Exception {
        Serde<Object> inner = serde(f[3]);
        Object key = value(f[3], f[4]);
        long start = Long.parseLong(f[5]), end = Long.parseLong(f[6]);
        Window window = f[2].equals("time") ? new TimeWindow(start, end) : new SessionWindow(start, end);
        Windowed<Object> windowed = new Windowed<>(key, window);
        byte[] bytes = f[2].equals("time") ? new TimeWindowedSerializer<>(inner.serializer()).serialize(f[1], windowed)
                                           : new SessionWindowedSerializer<>(inner.serializer()).serialize(f[1], windowed);
        int partitions = producer.partitionsFor(f[1]).size();
        producer.send(new ProducerRecord<>(f[1], partition(inner.serializer().serialize(f[1], key), partitions), end, bytes,
                f[7].getBytes(StandardCharsets.UTF_8))).get();
    }

    static String text(Object key) {
        if (!(key instanceof byte[] bytes))
            return String.valueOf(key);
        StringBuilder hex = new StringBuilder();
        for (byte b : bytes)
            hex.append(String.format("%02x", b));
        return hex.toString();
    }

    static String told(String topic, ConsumerRecord<byte[], byte[]> record, String kind, String type, int partitions) {
        Serde<Object> inner = serde(type);
        Object key;
        long start = -1, end = -1;
        if (kind.equals("none")) {
            key = inner.deserializer().deserialize(topic, record.key());
        } else {
            Windowed<Object> windowed = kind.equals("time") ? new TimeWindowedDeserializer<>(inner.deserializer(), SIZE_MS).deserialize(topic, record.key())
                                                            : new SessionWindowedDeserializer<>(inner.deserializer()).deserialize(topic, record.key());
            key = windowed.key();
            start = windowed.window().start();
            end = windowed.window().end();
        }
        byte[] base = inner.serializer().serialize(topic, key);
        String value = record.value() == null ? "null" : new String(record.value(), StandardCharsets.UTF_8).replaceAll("[\t\n]", " ");
        return record.partition() + "\t" + partition(base, partitions) + "\t" + text(key) + "\t" + start + "\t" + end + "\t" + value;
    }

    static void read(String[] f) {
        int count = Integer.parseInt(f[2]);
        long until = System.currentTimeMillis() + 60_000;
        List<String> lines = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(config)) {
            List<TopicPartition> all = consumer.partitionsFor(f[1]).stream().map(p -> new TopicPartition(f[1], p.partition())).toList();
            consumer.assign(all);
            consumer.seekToBeginning(all);
            while (lines.size() < count && System.currentTimeMillis() < until)
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200)))
                    lines.add(told(f[1], record, f[3], f[4], all.size()));
        }
        lines.forEach(System.out::println);
    }

    public static void main(String[] args) throws Exception {
        config.put("bootstrap.servers", args[0]);
        config.put("isolation.level", "read_committed");
        config.put("key.deserializer", ByteArrayDeserializer.class);
        config.put("value.deserializer", ByteArrayDeserializer.class);
        config.put("key.serializer", ByteArraySerializer.class);
        config.put("value.serializer", ByteArraySerializer.class);
        producer = new KafkaProducer<>(config);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null;) {
            String[] fields = line.split("\t", -1);
            if (fields[0].equals("write"))
                write(fields);
            else
                read(fields);
            System.out.println(".");
            System.out.flush();
        }
    }
}
