package io.cistern.bucket;

import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;

/** The contract with Azure Blob Storage, of Azurite. */
class AzureBucketTest extends BucketContract {

    @Override
    TestStore store() {
        return TestStores.of("azure");
    }

    @Override
    String missingBucket() {
        return "there is no container contract-.*-missing";
    }
}
