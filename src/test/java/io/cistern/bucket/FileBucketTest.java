package io.cistern.bucket;

import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;

/** The contract with a folder. */
class FileBucketTest extends BucketContract {

    @Override
    TestStore store() {
        return TestStores.of("file");
    }

    @Override
    String missingBucket() {
        return "is no folder; create it first";
    }
}
