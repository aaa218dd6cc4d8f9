package io.cistern.bucket;

import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;

/** The contract with Google Cloud Storage's JSON API. */
class GoogleBucketTest extends BucketContract {

    @Override
    TestStore store() {
        return TestStores.of("google");
    }

    @Override
    String missingBucket() {
        return "there is no bucket contract-.*-missing";
    }
}
