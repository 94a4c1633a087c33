/*
 * Reference.java - what Java makes of date-time patterns, zone names and regular expressions, for random cases with a seed.
 *
 * ksqlDB's functions are Java's classes, so a JVM is the specification. One case a line, fields between tabs:
 *
 *   F  pattern  zone  milliseconds      text          DateTimeFormatter.format of the instant in the zone
 *   P  pattern  zone  text              milliseconds  as PARSE_TIMESTAMP reads it (docs: functions.md 3.7.2)
 *   R  regex    text                    groups        Matcher.find from the start: every match, joined
 *
 * The last field is "!" where Java refuses. compare.c reads the lines and says where Sluice differs.
 *
 * Run: java Reference.java SEED COUNT
 */
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.time.temporal.TemporalAccessor;
import java.time.temporal.TemporalQueries;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

public class Reference {
    static final List<String> ZONES = List.of("UTC", "GMT", "Z", "+02:00", "America/New_York", "America/Los_Angeles", "Europe/London",
        "Europe/Paris", "Europe/Berlin", "Europe/Moscow", "Asia/Kolkata", "Asia/Tokyo", "Asia/Shanghai", "Australia/Sydney",
        "Pacific/Auckland", "America/Sao_Paulo", "Africa/Johannesburg", "America/Chicago", "America/Denver", "Asia/Singapore",
        "Europe/Lisbon", "Europe/Athens", "America/Halifax", "America/Toronto", "Asia/Dubai", "Europe/Dublin", "US/Eastern",
        "Asia/Seoul", "Asia/Hong_Kong", "America/Anchorage", "Pacific/Honolulu", "Europe/Istanbul", "Asia/Karachi", "UTC+01:00");
    static final List<String> PIECES = List.of("yyyy", "yy", "y", "uuuu", "MM", "M", "MMM", "MMMM", "L", "dd", "d", "D", "DDD", "HH", "H", "hh",
        "h", "KK", "k", "kk", "mm", "m", "ss", "s", "S", "SSS", "SSSSSS", "a", "E", "EEE", "EEEE", "e", "c", "G", "Q", "QQQ", "w", "W", "Y",
        "F", "n", "A", "N", "z", "zzz", "zzzz", "VV", "X", "XX", "XXX", "x", "xx", "xxx", "Z", "ZZZZ", "ZZZZZ", "O", "OOOO", "v", "vvvv", "g");
    static final List<String> WHOLE = List.of("yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "EEE, dd MMM yyyy HH:mm:ss Z",
        "dd-MMM-yy HH.mm a", "dd-MMM-yy hh.mm a", "MM/dd/yyyy hh:mm:ss a", "yyyyMMddHHmmssSSS", "yyyy-MM-dd HH:mm:ss zzzz",
        "yyyy-MM-dd HH:mm:ss zzz", "EEEE d MMMM yyyy H:mm", "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]", "yyyy-DDD", "d/M/yyyy HH:mm O",
        "yyyy-MM-dd HH:mm VV", "hh:mm a", "yyyy-MM-dd kk:mm", "yyyy-MM-dd HH:mm:ss.SSSSSS", "ddMMyyyy", "u-M-d H:m:s", "E yyyy-MM-dd",
        "yyyy-MM-dd HH:mm:ss zzzz a", "yyyy-MM-dd KK:mm a", "yyyy-MM-dd HH:mm 'o''clock'", "YYYY-'W'ww-e", "yyyy 'Q'Q", "yyyy-MM-dd HH:mm vvvv");
    static final List<String> SEPARATORS = List.of(" ", "-", "/", ":", ".", " 'at' ", ", ", "");

    final Random random;

    Reference(long seed) { random = new Random(seed); }

    <T> T pick(List<T> list) { return list.get(random.nextInt(list.size())); }

    String pattern() {
        if (random.nextInt(3) == 0)
            return pick(WHOLE);
        StringBuilder out = new StringBuilder();
        int count = 1 + random.nextInt(5);
        for (int i = 0; i < count; i++)
            out.append(i == 0 ? "" : pick(SEPARATORS)).append(pick(PIECES));
        return out.toString();
    }

    long instant() {
        switch (random.nextInt(4)) {
        case 0: return random.nextInt() * 1000L;
        case 1: return 1262304000000L + (long) (random.nextDouble() * 15 * 365 * 86400000.0);
        case 2: return -62135596800000L + (long) (random.nextDouble() * 253402300800000.0);
        default: return (long) (random.nextDouble() * 2e12);
        }
    }

    static String format(String pattern, String zone, long ms) {
        try {
            return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(Instant.ofEpochMilli(ms).atZone(ZoneId.of(zone)));
        } catch (RuntimeException e) {
            return "!";
        }
    }

    static String parse(String pattern, String zone, String text) {
        try {
            DateTimeFormatter formatter =
                new DateTimeFormatterBuilder().parseCaseInsensitive().appendPattern(pattern).toFormatter(Locale.ENGLISH);
            TemporalAccessor parsed = formatter.parse(text);
            ZoneId named = parsed.query(TemporalQueries.zone());
            ZonedDateTime result = ZonedDateTime.of(1970, 1, 1, 0, 0, 0, 0, named == null ? ZoneId.of(zone) : named);
            List<ChronoField> fields = Arrays.stream(ChronoField.values())
                .sorted(Comparator.comparing((ChronoField f) -> f.getBaseUnit().getDuration()).reversed()).collect(Collectors.toList());
            for (ChronoField field : fields)
                if (parsed.isSupported(field) && result.isSupported(field))
                    result = result.with(field, parsed.getLong(field));
            return Long.toString(result.toInstant().toEpochMilli());
        } catch (RuntimeException e) {
            return "!";
        }
    }

    /* A text as the pattern would write it, sometimes with a mistake in it. */
    String text(String pattern, String zone, long ms) {
        String text = format(pattern, zone, ms);
        if (text.equals("!") || text.isEmpty() || random.nextInt(4) != 0)
            return text;
        int at = random.nextInt(text.length());
        switch (random.nextInt(5)) {
        case 0: return text.substring(0, at) + text.substring(at + 1);
        case 1: return text.substring(0, at) + (char) ('0' + random.nextInt(10)) + text.substring(at + 1);
        case 2: return text.toUpperCase(Locale.ROOT);
        case 3: return text.toLowerCase(Locale.ROOT);
        default: return text + " ";
        }
    }

    static final List<String> ATOMS = List.of("a", "b", "é", "ж", ".", "\\d", "\\w", "\\W", "\\s", "\\S", "\\p{L}", "\\p{Lu}", "\\p{InCyrillic}",
        "\\p{IsCyrillic}", "\\p{Alpha}", "\\P{Alpha}", "\\p{IsAlphabetic}", "\\p{Punct}", "[[:alpha:]]", "[a-c]", "[^a-c]", "[a-z&&[^b]]",
        "[\\w&&[^\\d]]", "\\b", "\\B", "^", "$", "\\h", "\\R", "\\x41", "\\u0436", "\\N{LATIN SMALL LETTER A}", "\\Qa.b\\E", "\\Z", "\\z", "\\A",
        "[\\p{Lu}\\d]", "[^\\W_]", "\\t", "\\p{javaLowerCase}", "\\p{blk=Cyrillic}", "\\p{sc=Grek}", "\\p{IsLatin}", "[]a]", "[a\\]]", "\\v", "\\X");
    static final List<String> QUANTIFIERS = List.of("", "", "", "", "*", "+", "?", "{2}", "{1,2}", "{2,}", "{,3}", "*?", "+?", "++", "*+", "??");
    static final List<String> FLAGS = List.of("", "", "", "", "(?i)", "(?U)", "(?u)", "(?iu)", "(?s)", "(?m)", "(?x)", "(?d)");
    static final List<String> LETTERS = List.of("a", "b", "c", "A", "B", "é", "É", "ж", "Ж", "1", "٣", "_", " ", "\u00a0", "\n", ".", "-", "]", "ß", "Σ", "k", "\u212a");

    String regex(int depth) {
        StringBuilder out = new StringBuilder();
        int count = 1 + random.nextInt(3);
        for (int i = 0; i < count; i++) {
            int kind = depth > 2 ? 0 : random.nextInt(9);
            String piece = kind == 1 ? "(" + regex(depth + 1) + ")" : kind == 2 ? "(?:" + regex(depth + 1) + "|" + regex(depth + 1) + ")"
                : kind == 3 ? "(?=" + regex(depth + 1) + ")" : kind == 4 && depth == 0 ? "(?<n>" + regex(depth + 1) + ")\\k<n>" : pick(ATOMS);
            out.append(piece).append(pick(QUANTIFIERS));
        }
        return out.toString();
    }

    static String find(String regex, String text) {
        try {
            Matcher matcher = Pattern.compile(regex).matcher(text);
            StringBuilder out = new StringBuilder();
            while (matcher.find())
                out.append('<').append(matcher.group()).append('>');
            return out.toString();
        } catch (RuntimeException | StackOverflowError e) {
            return "!";
        }
    }

    static String line(String... fields) {
        return Arrays.stream(fields).map(f -> f.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r"))
            .collect(Collectors.joining("\t"));
    }

    public static void main(String[] args) throws Exception {
        Reference r = new Reference(Long.parseLong(args[0]));
        java.io.PrintStream out = new java.io.PrintStream(System.out, false, "UTF-8");
        for (int i = 0, count = Integer.parseInt(args[1]); i < count; i++) {
            String pattern = r.pattern(), zone = r.pick(ZONES);
            long ms = r.instant();
            out.println(line("F", pattern, zone, Long.toString(ms), format(pattern, zone, ms)));
            pattern = r.pick(WHOLE); /* at random, fields contradict each other in nearly every text */
            String text = r.text(pattern, zone, ms);
            if (!text.equals("!"))
                {
                String other = r.pick(ZONES);
                out.println(line("P", pattern, other, text, parse(pattern, other, text)));
            }
            String regex = r.pick(FLAGS) + r.regex(0);
            StringBuilder subject = new StringBuilder();
            for (int n = r.random.nextInt(7); n > 0; n--)
                subject.append(r.pick(LETTERS));
            out.println(line("R", regex, "", subject.toString(), find(regex, subject.toString())));
        }
        out.flush();
    }
}
