package io.cistern.bucket;

import java.io.ByteArrayInputStream;
import java.io.InputStream;

/** What a file is made of: bytes that can be read more than once. */
public interface Content {

    /** No bytes at all. */
    Content EMPTY = new Content() {

        @Override
        public InputStream getInputStream() {
            return new ByteArrayInputStream(new byte[0]);
        }

        @Override
        public long getLength() {
            return 0;
        }
    };

    /** The bytes from the start; each call gives a stream of its own, which can be marked and reset at any distance. */
    InputStream getInputStream();

    /** How many bytes. */
    long getLength();
}
