/*
 * Joins.java - the two joins on Kafka Streams, which ksqlDB runs on: rows are read into classes here, into generic maps there.
 *
 * As fast as its settings make it: records are taken in large steps, topics serve as changelogs of the tables that are read from them
 * (topology.optimization), and a row put out has Sluice's names and order of columns, so that the bytes can be compared.
 */
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.*;

public class Joins {
    public static class Order {
        public long ordertime;
        public String customer, item, region, note, browser;
        public double price;
    }

    public static class Payment {
        public long paytime;
        public String method, bank, reference, terminal;
        public double amount;
    }

    public record Paid(long ORDERTIME, String CUSTOMER, double PRICE, long PAYTIME, String METHOD, double AMOUNT) {}

    static Paid paid(Order o, Payment p) {
        return new Paid(o.ordertime, o.customer, o.price, p.paytime, p.method, p.amount);
    }

    static <T> Serde<T> json(Class<T> type) {
        ObjectMapper mapper = new ObjectMapper();
        ObjectReader reader = mapper.readerFor(type);
        ObjectWriter writer = mapper.writerFor(type);
        return Serdes.serdeFrom(
            (topic, value) -> {
                try { return value == null ? null : writer.writeValueAsBytes(value); }
                catch (IOException e) { throw new UncheckedIOException(e); }
            },
            (topic, bytes) -> {
                try { return bytes == null ? null : reader.readValue(bytes); }
                catch (IOException e) { throw new UncheckedIOException(e); }
            });
    }

    public static void main(String[] args) {
        Serde<String> text = Serdes.String();
        Serde<Order> order = json(Order.class);
        Serde<Payment> payment = json(Payment.class);
        String orders = System.getenv("ORDERS"), payments = System.getenv("PAYMENTS");
        StreamsBuilder builder = new StreamsBuilder();
        KStream<String, Paid> joined = switch (args[0]) {
            case "stream" -> builder.stream(orders, Consumed.with(text, order))
                .join(builder.stream(payments, Consumed.with(text, payment)), Joins::paid,
                      JoinWindows.ofTimeDifferenceAndGrace(Duration.ofSeconds(10), Duration.ofSeconds(1)),
                      StreamJoined.with(text, order, payment));
            case "table" -> builder.table(orders, Consumed.with(text, order))
                .join(builder.table(payments, Consumed.with(text, payment)), Joins::paid)
                .toStream();
            default -> throw new IllegalArgumentException("stream or table");
        };
        joined.to(System.getenv("OUT"), Produced.with(text, json(Paid.class)));
        Properties p = new Properties();
        p.put("application.id", System.getenv("APP"));
        p.put("bootstrap.servers", System.getenv("BROKERS"));
        p.put("state.dir", System.getenv("STATE"));
        p.put("processing.guarantee", "at_least_once");
        p.put("num.stream.threads", "2");
        p.put("statestore.cache.max.bytes", 64 << 20);
        p.put("commit.interval.ms", 1000);
        p.put("topology.optimization", "all");
        p.put("auto.offset.reset", "earliest");
        p.put("consumer.max.poll.records", 5000);
        p.put("buffered.records.per.partition", 10000);
        p.put("consumer.fetch.max.wait.ms", 20);
        p.put("producer.batch.size", 1 << 18);
        p.put("producer.linger.ms", 100);
        KafkaStreams streams = new KafkaStreams(builder.build(p), p);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(10))));
        streams.start();
    }
}
