package io.cistern.testing.stores;

import org.junit.jupiter.api.Assumptions;

/**
 * Stores that all tests of a JVM share, started when they are first asked for: tests use buckets of their own. A test that
 * asks for one which cannot run on this machine is left out, with the reason in its result.
 */
public final class TestStores {

    private static S3ProxyStore s3;
    private static AzuriteStore azure;
    private static GoogleStore google;
    private static FolderStore file;
    private static SftpStore sftp;

    private TestStores() {
    }

    /** The store for a BUCKET_TYPE. */
    public static TestStore of(String type) {
        return switch (type) {
            case "s3" -> s3();
            case "azure" -> azure();
            case "google" -> google();
            case "file" -> file();
            case "sftp" -> sftp();
            default -> throw new IllegalArgumentException(type);
        };
    }

    public static synchronized S3ProxyStore s3() {
        if (s3 == null) {
            s3 = S3ProxyStore.start();
        }
        return s3;
    }

    public static synchronized AzuriteStore azure() {
        Assumptions.assumeTrue(AzuriteStore.whyNot() == null, () -> "The store for azure " + AzuriteStore.whyNot());
        if (azure == null) {
            azure = AzuriteStore.start();
        }
        return azure;
    }

    public static synchronized GoogleStore google() {
        Assumptions.assumeTrue(GoogleStore.whyNot() == null, () -> "The store for google " + GoogleStore.whyNot());
        if (google == null) {
            google = GoogleStore.start();
        }
        return google;
    }

    public static synchronized FolderStore file() {
        if (file == null) {
            file = new FolderStore();
        }
        return file;
    }

    /** For the backend that the documentation writes as an example. */
    public static synchronized SftpStore sftp() {
        if (sftp == null) {
            sftp = new SftpStore();
        }
        return sftp;
    }
}
