package io.cistern.deployment;

/** References of container images, {@code registry/name:tag}. */
final class ImageNames {

    private ImageNames() {
    }

    /** Whether it names a version, so that the same reference means the same image tomorrow: digits are in its tag. */
    static boolean isPinned(String reference) {
        return reference.matches("[a-z0-9./-]+:[A-Za-z0-9._-]*\\d[A-Za-z0-9._-]*\\.\\d[A-Za-z0-9._-]*|.+@sha256:[0-9a-f]{64}|"
            + "[a-z0-9./-]+:RELEASE\\.\\d{4}-.+");
    }
}
