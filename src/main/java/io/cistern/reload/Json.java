package io.cistern.reload;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.PropertyAccessor;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import java.io.IOException;

/**
 * How the state of reloads is written in its topics: fields as JSON, without those that say nothing. A field that this version
 * does not know is kept where {@link NewerFields} says so; anywhere else the record is not understood, since the field may
 * change what is to be done.
 */
final class Json {

    private static final ObjectMapper MAPPER = new ObjectMapper()
        .setVisibility(PropertyAccessor.ALL, JsonAutoDetect.Visibility.NONE)
        .setVisibility(PropertyAccessor.FIELD, JsonAutoDetect.Visibility.ANY)
        .setVisibility(PropertyAccessor.CREATOR, JsonAutoDetect.Visibility.ANY)
        // In what was asked for, null says something.
        .setDefaultPropertyInclusion(JsonInclude.Value.construct(JsonInclude.Include.NON_NULL, JsonInclude.Include.ALWAYS))
        .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

    private Json() {
    }

    static byte[] write(Object value) {
        try {
            return MAPPER.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Reads what {@link #write} has written.
     *
     * @throws NewerVersionException if it is not that; the message quotes no contents
     */
    static <T> T read(byte[] json, Class<T> type) {
        try {
            T value = MAPPER.readValue(json, type);
            if (value == null) {
                throw new NewerVersionException("not a " + type.getSimpleName() + " that this version knows: null", null);
            }
            return value;
        } catch (IOException e) {
            throw new NewerVersionException("not a " + type.getSimpleName() + " that this version knows: " + reason(e), e);
        }
    }

    /** Without contents of the record: texts of others do not belong into logs. */
    private static String reason(IOException failure) {
        return failure instanceof UnrecognizedPropertyException unknown
            ? "unknown field " + Asked.printable(unknown.getPropertyName()) : failure.getClass().getSimpleName();
    }
}
