package io.cistern.bucket;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.cistern.Settings;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.apache.camel.CamelContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checks that the store returns a file exactly as it was written: writes a small file the way batch files are written, reads
 * it back, compares the bytes, and deletes the file where the store permits that.
 *
 * <p>The file's name follows from the bucket's settings. Where files cannot be deleted, starts with the same settings share
 * one file instead of leaving one each.
 */
public final class BucketProbe {

    /** Prefix of the paths; the name starts with a dot, so that it cannot be the folder of a topic's facts. */
    static final String PATH = FileFacts.FOLDER + "/.probe-";

    private static final Logger LOG = LoggerFactory.getLogger(BucketProbe.class);
    private static final String DELETE = "direct:bucket-delete";
    private static final int BYTES = 1024;
    /** Settings that change how files are written; none of them is secret. */
    private static final List<String> SETTINGS = List.of("bss.bucket.type", "bss.bucket.name", "bss.bucket.endpoint",
        "bss.bucket.region", "bss.bucket.storage-class", "bss.bucket.s3-path-style", "bss.bucket.s3-create-only",
        "bss.bucket.s3-checksums", "bss.bucket.s3-sse", "bss.bucket.s3-kms-key-id", "bss.bucket.s3-owner",
        "bss.bucket.s3-tags", "bss.bucket.azure-account");

    private final Bucket bucket;
    private final Settings settings;

    public BucketProbe(Bucket bucket, Settings settings) {
        this.bucket = bucket;
        this.settings = settings;
    }

    /**
     * Writes a file and reads it back.
     *
     * @throws IOException if the store does not take it, does not return it, or returns other bytes; {@link
     *                     BucketException#reason} gives the reason
     */
    public void verify() throws IOException {
        String shared = PATH + fingerprint();
        if (isReadBack(shared)) {
            return;
        }
        // The shared file may have been written before the store was repaired, or been deleted by another start.
        String own = shared + '-' + UUID.randomUUID();
        try {
            writeAndCompare(own);
        } catch (AlteredContentException e) {
            throw bucket.altered(own, e);
        } catch (NoSuchFileException e) {
            throw new BucketException("get", own, "the store acknowledged a file and does not have it", e);
        } finally {
            delete(own);
        }
    }

    private boolean isReadBack(String path) throws IOException {
        try {
            writeAndCompare(path);
            return true;
        } catch (AlteredContentException | NoSuchFileException e) {
            LOG.debug("Trying once more, with another file: {}", e.toString());
            return false;
        } finally {
            delete(path);
        }
    }

    private void writeAndCompare(String path) throws IOException {
        byte[] written = content(path);
        // What an earlier start has left under the shared path is as good, if it is right.
        bucket.create(path, new Content() {
            @Override
            public InputStream getInputStream() {
                return new ByteArrayInputStream(written);
            }

            @Override
            public long getLength() {
                return written.length;
            }
        });
        try (InputStream in = bucket.get(path)) {
            AlteredContentException difference = AlteredContentException.of(written, in.readAllBytes());
            if (difference != null) {
                throw difference;
            }
        }
    }

    /** A line for people who find the file, and every byte there is. */
    private static byte[] content(String path) {
        byte[] bytes = new byte[BYTES];
        for (int i = 0; i < BYTES; i++) {
            bytes[i] = (byte) i;
        }
        byte[] line = ("Written by the start-up check of Cistern as " + path + ". It may be deleted.\n").getBytes(UTF_8);
        System.arraycopy(line, 0, bytes, 0, line.length);
        return bytes;
    }

    private void delete(String path) {
        CamelContext context = bucket.getCamelContext();
        // A backend need not be able to delete.
        Exception failure = context.createProducerTemplate().request(DELETE + "?failIfNoConsumers=false",
            exchange -> exchange.setVariable("path", path)).getException();
        if (failure != null) {
            LOG.debug("Not deleted: {} reason={}", path, settings.withoutSecrets(BucketException.reason(failure)));
        }
    }

    private String fingerprint() {
        StringBuilder all = new StringBuilder().append(BucketProbe.class.getPackage().getImplementationVersion());
        SETTINGS.forEach(key -> all.append('\n').append(settings.value(key)));
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(all.toString().getBytes(UTF_8));
            return HexFormat.of().formatHex(digest, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
