package io.cistern.reload;

import io.cistern.batch.Record;
import io.cistern.batch.Timestamps;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a reload of a partition would publish. */
final class Preview {

    private static final int SAMPLES = 10;
    private static final int LONGEST_TEXT = 1000;

    /** By day, UTC: how many records. */
    TreeMap<String, Long> days = new TreeMap<>();
    /** By source partition. */
    TreeMap<Integer, Long> partitions = new TreeMap<>();
    /** Milliseconds since the epoch; null if there is no record. */
    Long firstTimestamp;
    Long lastTimestamp;
    List<Map<String, Object>> samples = new ArrayList<>();

    void add(String topic, Record record) {
        days.merge(day(record.timestamp()), 1L, Long::sum);
        partitions.merge(record.partition(), 1L, Long::sum);
        firstTimestamp = firstTimestamp == null ? record.timestamp() : Math.min(firstTimestamp, record.timestamp());
        lastTimestamp = lastTimestamp == null ? record.timestamp() : Math.max(lastTimestamp, record.timestamp());
        if (samples.size() < SAMPLES) {
            Map<String, Object> sample = new LinkedHashMap<>();
            sample.put("partition", record.partition());
            sample.put("offset", record.offset());
            sample.put("timestamp", Timestamps.format(record.timestamp()));
            sample.put("key", shortened(record.getKeyText()));
            sample.put("payload", shortened(record.getPayload()));
            samples.add(sample);
        }
    }

    void add(Preview other) {
        other.days.forEach((day, count) -> days.merge(day, count, Long::sum));
        other.partitions.forEach((partition, count) -> partitions.merge(partition, count, Long::sum));
        if (other.firstTimestamp != null) {
            firstTimestamp = firstTimestamp == null ? other.firstTimestamp : Math.min(firstTimestamp, other.firstTimestamp);
            lastTimestamp = lastTimestamp == null ? other.lastTimestamp : Math.max(lastTimestamp, other.lastTimestamp);
        }
        other.samples.stream().limit(SAMPLES - samples.size()).forEach(samples::add);
    }

    private static String day(long timestamp) {
        String text = Timestamps.format(timestamp);
        return text.substring(0, text.indexOf('T'));
    }

    private static String shortened(String text) {
        return text == null || text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT) + "…";
    }
}
