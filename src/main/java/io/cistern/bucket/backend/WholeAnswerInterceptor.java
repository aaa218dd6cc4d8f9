package io.cistern.bucket.backend;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Optional;
import software.amazon.awssdk.core.SdkRequest;
import software.amazon.awssdk.core.exception.RetryableException;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;

/**
 * Makes the S3 client retry an answer that breaks off. The SDK takes an answer that ends after its head for one with nothing
 * in it, such as an empty listing, and does not retry one that breaks off later.
 */
public final class WholeAnswerInterceptor implements ExecutionInterceptor {

    @Override
    public Optional<InputStream> modifyHttpResponseContent(Context.ModifyHttpResponse context, ExecutionAttributes attributes) {
        SdkRequest request = context.request();
        if (!context.httpResponse().isSuccessful() || !(request instanceof ListObjectsV2Request
            || request instanceof CreateMultipartUploadRequest || request instanceof CompleteMultipartUploadRequest)) {
            return context.responseBody();
        }
        try {
            byte[] bytes = context.responseBody().orElse(InputStream.nullInputStream()).readAllBytes();
            if (bytes.length == 0) {
                throw new EOFException("the answer ended early");
            }
            return Optional.of(new ByteArrayInputStream(bytes));
        } catch (IOException | UncheckedIOException e) {
            throw RetryableException.create("the answer broke off", e);
        }
    }
}
