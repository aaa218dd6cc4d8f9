package io.cistern.batch;

/** Tells well-formed UTF-8 from other bytes (Unicode 15, table 3-7: no overlong forms, no surrogates). */
final class Utf8 {

    private Utf8() {
    }

    /** Bytes of the well-formed sequence of two to four bytes that starts at {@code at}; 0 if there is none. */
    static int sequenceLength(byte[] text, int at) {
        int first = text[at] & 0xff;
        if (first < 0xc2 || first > 0xf4) {
            return 0;
        }
        int length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        if (text.length - at < length) {
            return 0;
        }
        int second = text[at + 1] & 0xff;
        int least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        int greatest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        if (second < least || second > greatest) {
            return 0;
        }
        for (int i = at + 2; i < at + length; i++) {
            if ((text[i] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return length;
    }
}
