package io.cistern.bucket.backend;

import software.amazon.awssdk.core.SdkRequest;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;

/** Adds tags to each file that the S3 client uploads. */
public final class TagInterceptor implements ExecutionInterceptor {

    private final String tags;

    /** @param tags in the form {@code name=value&name=value} */
    public TagInterceptor(String tags) {
        this.tags = tags;
    }

    @Override
    public SdkRequest modifyRequest(Context.ModifyRequest context, ExecutionAttributes attributes) {
        SdkRequest request = context.request();
        if (request instanceof PutObjectRequest put) {
            return put.toBuilder().tagging(tags).build();
        }
        return request instanceof CreateMultipartUploadRequest upload ? upload.toBuilder().tagging(tags).build() : request;
    }
}
