package io.cistern.testing.stores;

import java.net.URI;
import java.util.List;
import java.util.Map;

/** A store on this machine that speaks its real protocol over the wire, with a plain client of it. */
public interface TestStore extends AutoCloseable {

    /** The value of BUCKET_TYPE. */
    String type();

    /** Where it listens. */
    URI endpoint();

    /** The environment variables by which Cistern reaches a bucket, at the store's own endpoint or at a proxy's. */
    Map<String, String> settings(String bucket, URI endpoint);

    /** The same with credentials that the store refuses. */
    Map<String, String> wrongCredentials(String bucket, URI endpoint);

    void createBucket(String bucket);

    void write(String bucket, String key, byte[] bytes);

    /** The bytes of an object; null if there is none. */
    byte[] read(String bucket, String key);

    /** All keys of a bucket, sorted by their characters. */
    List<String> keys(String bucket);

    /** The body that this store's protocol has for an error of this HTTP status. */
    String errorBody(int status);

    @Override
    void close();
}
