package io.cistern.bucket;

import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;

/** The contract with S3, of S3Proxy. */
class S3BucketTest extends BucketContract {

    @Override
    TestStore store() {
        return TestStores.of("s3");
    }

    @Override
    String missingBucket() {
        return "there is no bucket contract-.*-missing";
    }
}
