package io.cistern.guarantees;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.apache.kafka.common.header.Header;

/** 128 bits of a digest of all that a record holds: two records with the same one are equal, byte for byte. */
record Fingerprint(long high, long low) {

    /** Stands for the timestamp of a record that gets its own from the broker. */
    static final long ANY_TIME = Long.MIN_VALUE;

    private static final ThreadLocal<MessageDigest> SHA = ThreadLocal.withInitial(Fingerprint::sha256);

    /** @param key,value may be null, which is not the same as empty */
    static Fingerprint of(byte[] key, byte[] value, Iterable<Header> headers, long timestamp) {
        MessageDigest digest = SHA.get();
        digest.reset();
        add(digest, key);
        add(digest, value);
        for (Header header : headers) {
            add(digest, header.key().getBytes(StandardCharsets.UTF_8));
            add(digest, header.value());
        }
        digest.update(ByteBuffer.allocate(8).putLong(timestamp).array());
        ByteBuffer bits = ByteBuffer.wrap(digest.digest());
        return new Fingerprint(bits.getLong(), bits.getLong());
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void add(MessageDigest digest, byte[] bytes) {
        digest.update(ByteBuffer.allocate(4).putInt(bytes == null ? -1 : bytes.length).array());
        if (bytes != null) {
            digest.update(bytes);
        }
    }
}
