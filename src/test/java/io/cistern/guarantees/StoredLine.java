package io.cistern.guarantees;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.luben.zstd.ZstdInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/**
 * A line of a batch file, read by what the documentation says of files and with no code of Cistern.
 *
 * @param timestamp  milliseconds since the epoch
 * @param appendTime whether it says that the broker gave the timestamp
 */
record StoredLine(int partition, long offset, long timestamp, boolean appendTime, byte[] key, byte[] payload,
                  List<Header> headers) {

    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    private static final Set<String> REQUIRED = Set.of("timestamp", "partition", "offset", "key", "payload");
    private static final Set<String> OPTIONAL = Set.of("keyEncoding", "payloadEncoding", "headers", "timestampType");

    /**
     * The lines of a file, unpacked as its name says.
     *
     * @throws IOException if it cannot be unpacked, does not end with a newline, or a line is not as documented
     */
    static List<StoredLine> all(String path, byte[] file) throws IOException {
        byte[] text = unpack(path, file);
        List<StoredLine> lines = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < text.length; i++) {
            if (text[i] == '\n') {
                try {
                    lines.add(of(JSON.readTree(text, start, i - start)));
                } catch (IOException | IllegalArgumentException | DateTimeException e) {
                    throw new IOException("line " + (lines.size() + 1) + ": " + e.getMessage(), e);
                }
                start = i + 1;
            }
        }
        if (start != text.length || lines.isEmpty()) {
            throw new IOException("does not end with a newline");
        }
        return lines;
    }

    private static byte[] unpack(String path, byte[] file) throws IOException {
        if (path.endsWith(".txt")) {
            return file;
        }
        InputStream packed = new ByteArrayInputStream(file);
        try (InputStream in = path.endsWith(".gz") ? new GZIPInputStream(packed) : new ZstdInputStream(packed)) {
            return in.readAllBytes();
        }
    }

    private static StoredLine of(JsonNode line) throws IOException {
        for (String field : REQUIRED) {
            if (!line.has(field)) {
                throw new IOException("no " + field);
            }
        }
        for (Iterator<String> fields = line.fieldNames(); fields.hasNext();) {
            String field = fields.next();
            if (!REQUIRED.contains(field) && !OPTIONAL.contains(field)) {
                throw new IOException("what is " + field);
            }
        }
        List<Header> headers = new ArrayList<>();
        for (JsonNode header : line.path("headers")) {
            headers.add(new RecordHeader(header.get("key").textValue(),
                bytes(header.get("value"), header.get("encoding"))));
        }
        JsonNode type = line.get("timestampType");
        if (type != null && !"LogAppendTime".equals(type.textValue())) {
            throw new IOException("what is the timestampType " + type);
        }
        return new StoredLine(number(line, "partition").intValue(), number(line, "offset").longValue(),
            Instant.parse(line.get("timestamp").textValue()).toEpochMilli(), type != null,
            bytes(line.get("key"), line.get("keyEncoding")),
            bytes(line.get("payload"), line.get("payloadEncoding")), headers);
    }

    private static JsonNode number(JsonNode line, String field) throws IOException {
        if (!line.get(field).isIntegralNumber()) {
            throw new IOException(field + " is no number");
        }
        return line.get(field);
    }

    private static byte[] bytes(JsonNode text, JsonNode encoding) throws IOException {
        if (text.isNull()) {
            return null;
        }
        if (!text.isTextual() || encoding != null && !"base64".equals(encoding.textValue())) {
            throw new IOException("neither text nor base64");
        }
        return encoding == null ? text.textValue().getBytes(StandardCharsets.UTF_8)
            : Base64.getDecoder().decode(text.textValue());
    }
}
