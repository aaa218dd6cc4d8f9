package io.cistern.bucket;

import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.RuntimeCamelException;

/**
 * The bucket as Java sees it: the {@code direct:bucket-*} endpoints that the backend's YAML file defines. Which store is
 * behind them is not known here.
 */
public final class Bucket implements CamelContextAware {

    private CamelContext camelContext;
    private ProducerTemplate template;

    /** The names of the files directly in a folder, behind {@code after} (null: all), in the order of their characters. */
    public Iterator<String> list(String folder, String after) {
        return call("direct:bucket-list", null,
            after == null ? Map.of("folder", folder) : Map.of("folder", folder, "after", after), Iterator.class);
    }

    /**
     * The bytes of a file, to be closed.
     *
     * @throws NoSuchFileException if there is none
     */
    public InputStream get(String path) throws NoSuchFileException {
        try {
            return call("direct:bucket-get", null, Map.of("path", path), InputStream.class);
        } catch (RuntimeCamelException e) {
            if (e.getCause() instanceof NoSuchFileException) {
                throw new NoSuchFileException(path);
            }
            throw e;
        }
    }

    /** Whether there is a file of this path. */
    public boolean exists(String path) {
        return call("direct:bucket-exists", null, Map.of("path", path), Boolean.class);
    }

    /** Writes a file, which must not be there yet. */
    public void put(String path, byte[] body) {
        call("direct:bucket-put", body, Map.of("path", path), Object.class);
    }

    /** The folders that hold files. */
    @SuppressWarnings("unchecked")
    public List<String> folders() {
        return call("direct:bucket-folders", null, Map.of(), List.class);
    }

    /**
     * Asks the store whether the bucket can be used, for writing too if {@code write}.
     *
     * @throws RuntimeCamelException if not; the cause says why
     */
    public void check(boolean write) {
        call("direct:bucket-check", null, Map.of("write", write), Object.class);
    }

    /** Calls an endpoint; a failure there is thrown as {@link RuntimeCamelException} with its cause. */
    private <T> T call(String endpoint, Object body, Map<String, Object> variables, Class<T> type) {
        Exchange answer = template.request(endpoint, exchange -> {
            exchange.getMessage().setBody(body);
            variables.forEach(exchange::setVariable);
        });
        if (answer.getException() != null) {
            throw RuntimeCamelException.wrapRuntimeException(answer.getException());
        }
        Object result = answer.getMessage().getBody();
        return type.isInstance(result) ? type.cast(result) : answer.getMessage().getBody(type);
    }

    @Override
    public void setCamelContext(CamelContext camelContext) {
        this.camelContext = camelContext;
        this.template = camelContext.createProducerTemplate();
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }
}
