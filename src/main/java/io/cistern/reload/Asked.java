package io.cistern.reload;

import io.cistern.Settings;
import io.cistern.batch.Record;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The fields of a JSON object that was asked for, by their types. What is null counts as not given; what is not as expected
 * is refused with a {@link RequestException} that names the field.
 */
final class Asked {

    private final Map<String, Object> fields;

    /** Refuses fields other than {@code known}. */
    Asked(Map<String, Object> fields, Set<String> known) {
        this.fields = fields;
        String unknown = fields.keySet().stream().filter(field -> !known.contains(field)).map(Asked::printable)
            .collect(Collectors.joining(", "));
        if (!unknown.isEmpty()) {
            throw bad("unknown-field", "Unknown field " + unknown + ": expected " + String.join(", ", new TreeSet<>(known)));
        }
    }

    /**
     * Refuses fields that are null: a caller whose variable is not set would get all records rather than some of them.
     * Requests that were accepted before are read without this check.
     */
    static void refuseNull(Map<String, Object> fields) {
        String nulls = fields.entrySet().stream().filter(field -> field.getValue() == null)
            .map(field -> printable(field.getKey())).collect(Collectors.joining(", "));
        if (!nulls.isEmpty()) {
            throw bad("invalid-field", nulls + ": null is not a value; leave the field out for its default");
        }
    }

    /** The mistake of a caller. */
    static RequestException bad(String code, String message) {
        return new RequestException(400, code, message);
    }

    private static RequestException expected(String field, String what) {
        return bad("invalid-field", field + ": expected " + what);
    }

    boolean has(String field) {
        return fields.get(field) != null;
    }

    /** A text; null if it is not given. */
    String text(String field) {
        return typed(field, String.class, "a string");
    }

    /** A text that must be given, and not empty. */
    String required(String field) {
        String value = text(field);
        if (value == null || value.isEmpty()) {
            throw bad("missing-field", field + " is required");
        }
        return value;
    }

    /** The name of a topic, which must be given. */
    String topic(String field) {
        String topic = required(field);
        if (!Settings.isTopicName(topic)) {
            throw bad("invalid-topic", field + ": expected the name of a Kafka topic");
        }
        return topic;
    }

    /** A date and time; null if it is not given. */
    Instant date(String field) {
        String text = text(field);
        if (text == null) {
            return null;
        }
        try {
            Instant date = DateTimeFormatter.ISO_INSTANT.parse(text, Instant::from);
            date.toEpochMilli();
            return date;
        } catch (DateTimeException | ArithmeticException e) {
            throw bad("invalid-date", field + ": expected a date and time of RFC 3339, like 2022-11-14T13:26:37.728Z");
        }
    }

    /** Whether it is asked for; false if it is not given. */
    boolean isTrue(String field) {
        return Boolean.TRUE.equals(typed(field, Boolean.class, "true or false"));
    }

    /** One of an enum's constants, written in lower case with dashes; {@code otherwise} if it is not given. */
    <E extends Enum<E>> E choice(String field, E otherwise) {
        String value = text(field);
        List<String> names = new ArrayList<>();
        for (E choice : otherwise.getDeclaringClass().getEnumConstants()) {
            String name = choice.name().toLowerCase(Locale.ROOT).replace('_', '-');
            if (name.equals(value)) {
                return choice;
            }
            names.add(name);
        }
        if (value != null) {
            throw expected(field, String.join(" or ", names));
        }
        return otherwise;
    }

    /** A number above 0; 0 if it is not given. */
    double positive(String field) {
        Number value = typed(field, Number.class, "a number above 0");
        if (value == null) {
            return 0;
        }
        double number = value.doubleValue();
        if (!(number > 0) || Double.isInfinite(number)) {
            throw expected(field, "a number above 0");
        }
        return number;
    }

    /** The numbers of partitions, in ascending order, each once; null if they are not given. */
    int[] partitions(String field) {
        List<?> values = typed(field, List.class, "an array of partition numbers");
        if (values == null) {
            return null;
        }
        int[] partitions = values.stream()
            .mapToInt(value -> (int) whole(field, value, Integer.MAX_VALUE, "an array of partition numbers")).sorted().toArray();
        if (partitions.length == 0 || Arrays.stream(partitions).distinct().count() < partitions.length) {
            throw expected(field, "at least one partition, and each once");
        }
        return partitions;
    }

    /** Bounds on offsets: one for all partitions, or one for each that is named; {@code none} is that of the others. */
    Offsets offsets(String field, long none) {
        String expected = "an offset, or an object of offsets by partition number like {\"0\": 100}";
        Object value = fields.get(field);
        if (value == null) {
            return new Offsets(none, new int[0], new long[0]);
        }
        if (!(value instanceof Map<?, ?> byPartition)) {
            return new Offsets(whole(field, value, Long.MAX_VALUE, expected), new int[0], new long[0]);
        }
        int[] partitions = byPartition.keySet().stream().mapToInt(name -> {
            try {
                int partition = Integer.parseInt((String) name);
                if (partition >= 0 && name.equals(Integer.toString(partition))) {
                    return partition;
                }
            } catch (NumberFormatException e) {
                // refused below, as what is written in another way
            }
            throw expected(field, expected);
        }).sorted().toArray();
        if (partitions.length == 0) {
            throw expected(field, expected);
        }
        long[] bounds = Arrays.stream(partitions).mapToLong(partition ->
            whole(field, byPartition.get(Integer.toString(partition)), Long.MAX_VALUE, expected)).toArray();
        return new Offsets(none, partitions, bounds);
    }

    /**
     * Keys of records: texts, objects like {@code {"base64": "/wA="}}, and null for records without one.
     *
     * @return null if they are not given
     */
    Keys keys(String field, int most) {
        List<?> values = typed(field, List.class, "an array of keys");
        if (values == null) {
            return null;
        }
        if (values.isEmpty() || values.size() > most) {
            throw expected(field, "from 1 to " + most + " keys");
        }
        List<byte[]> keys = new ArrayList<>(values.size());
        for (Object value : values) {
            if (value != null) {
                keys.add(key(field, value));
            }
        }
        return new Keys(keys, keys.size() < values.size());
    }

    private static byte[] key(String field, Object value) {
        if (value instanceof String text) {
            return utf8(field, text);
        }
        if (value instanceof Map<?, ?> encoded && encoded.size() == 1 && encoded.get("base64") instanceof String text) {
            try {
                return Base64.getDecoder().decode(text);
            } catch (IllegalArgumentException e) {
                // refused below
            }
        }
        throw expected(field, "strings, objects like {\"base64\": \"/wA=\"}, or null");
    }

    /** Texts by name, as headers of a record in the order in which they came; empty if they are not given. */
    List<Record.Header> headers(String field) {
        List<Record.Header> headers = new ArrayList<>();
        Map<?, ?> values = typed(field, Map.class, "an object of strings");
        if (values != null) {
            values.forEach((name, value) -> {
                if (value != null && !(value instanceof String)) {
                    throw expected(field, "an object of strings");
                }
                utf8(field, (String) name);
                headers.add(new Record.Header((String) name,
                    value == null ? null : utf8(field, (String) value)));
            });
        }
        return List.copyOf(headers);
    }

    /** An object with these fields; null if it is not given. Its fields are named with the object's name before them. */
    Asked object(String field, Set<String> known) {
        Map<?, ?> values = typed(field, Map.class, "an object");
        if (values == null) {
            return null;
        }
        Map<String, Object> inner = new HashMap<>();
        values.forEach((name, value) -> inner.put(field + '.' + name, value));
        return new Asked(inner, known.stream().map(name -> field + '.' + name).collect(Collectors.toSet()));
    }

    private <T> T typed(String field, Class<T> type, String expected) {
        Object value = fields.get(field);
        if (value != null && !type.isInstance(value)) {
            throw expected(field, expected);
        }
        return type.cast(value);
    }

    /** A whole number from 0; others are told that they are none, as 1.5 and what is too large for the type. */
    private static long whole(String field, Object value, long greatest, String expected) {
        if ((value instanceof Integer || value instanceof Long) && ((Number) value).longValue() >= 0
            && ((Number) value).longValue() <= greatest) {
            return ((Number) value).longValue();
        }
        throw expected(field, expected + ", whole numbers from 0 to " + greatest);
    }

    /** The bytes of a text; half a surrogate pair has none, and would become a question mark. */
    private static byte[] utf8(String field, String text) {
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw expected(field, "text without unpaired surrogates");
        }
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** A text of others as a message may quote it. */
    static String printable(String text) {
        return text.substring(0, Math.min(64, text.length())).replaceAll("\\p{Cntrl}", "?");
    }
}
