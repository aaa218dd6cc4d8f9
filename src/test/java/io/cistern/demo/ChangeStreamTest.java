package io.cistern.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.junit.jupiter.api.Test;

class ChangeStreamTest {

    private static final Instant START = Instant.parse("2024-11-14T08:00:00Z");

    @Test
    void theSameSeedAndStartGiveTheSameRecords() {
        assertThat(records(5_000).stream().map(ChangeStreamTest::contents))
                .containsExactlyElementsOf(records(5_000).stream().map(ChangeStreamTest::contents).toList());
    }

    @Test
    void holdsTheOdditiesOfRealTopics() {
        List<ProducerRecord<byte[], byte[]>> records = records(20_000);
        assertThat(records).extracting(ProducerRecord::topic)
                .contains(ChangeStream.ORDERS, ChangeStream.CUSTOMERS, ChangeStream.PAYMENTS);
        assertThat(records)
                .anyMatch(record -> record.key() == null)
                .anyMatch(record -> record.value() == null)
                .anyMatch(record -> record.value() != null && record.value().length == 0)
                .anyMatch(record -> record.value() != null && record.value().length > 10_000)
                .anyMatch(record -> record.value() != null && !isUtf8(record.value()))
                .anyMatch(header(header -> header.value() == null))
                .anyMatch(header(header -> header.value() != null && !isUtf8(header.value())))
                .anyMatch(record -> Stream.of(record.headers().toArray())
                        .filter(header -> header.key().equals("via")).count() > 1);
        assertThat(records).extracting(ProducerRecord::timestamp).isNotEqualTo(
                records.stream().map(ProducerRecord::timestamp).sorted().toList());
    }

    private static List<ProducerRecord<byte[], byte[]>> records(int count) {
        ChangeStream changes = ChangeStream.startingAt(START, 1);
        return Stream.generate(changes::next).limit(count).toList();
    }

    private static String contents(ProducerRecord<byte[], byte[]> record) {
        return record.topic() + record.timestamp() + Arrays.toString(record.key()) + Arrays.toString(record.value())
                + Arrays.toString(record.headers().toArray());
    }

    private static Predicate<ProducerRecord<byte[], byte[]>> header(Predicate<Header> test) {
        return record -> Stream.of(record.headers().toArray()).anyMatch(test);
    }

    private static boolean isUtf8(byte[] bytes) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }
}
