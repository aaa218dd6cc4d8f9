package io.cistern.reload;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.Settings;
import io.cistern.SettingsException;
import java.util.List;
import java.util.Set;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.Exchange;
import org.apache.camel.support.ExchangeHelper;
import org.apache.camel.support.SynchronizationAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs who called for what, and what came of it: a line for each call that is to change something, to the logger
 * {@value #NAME}. Without anything that asks callers who they are it does not start, unless the settings allow that.
 */
public final class SteeringLog implements CamelContextAware {

    /** The logger. */
    public static final String NAME = "io.cistern.audit";

    private static final Logger LOG = LoggerFactory.getLogger(NAME);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String CALL = "call";
    private static final Set<String> READING = Set.of("GET", "HEAD", "OPTIONS");
    /** Fields of bodies that say what is meant; the others are contents, or long. */
    private static final List<String> FIELDS = List.of("topic", "fileName", "reIngestionTopic", "startDate", "stopDate",
        "customSelectorName", "dryRun", "force", "recordsPerSecond", "bytesPerSecond", "pace");
    private static final int MOST_CHARACTERS = 256;

    private final Settings settings;
    private CamelContext camelContext;

    public SteeringLog(Settings settings) {
        this.settings = settings;
    }

    /**
     * Takes up an exchange of the HTTP interface, whose body it leaves as text; its line comes when it is answered. Calls
     * that only read are let pass.
     */
    public void begin(Exchange exchange) {
        if (READING.contains(String.valueOf(exchange.getMessage().getHeader(Exchange.HTTP_METHOD)))) {
            return;
        }
        Caller.Source source = camelContext.getRegistry().findSingleByType(Caller.Source.class);
        Caller caller = source == null ? Caller.UNKNOWN : source.of(exchange);
        String body = exchange.getMessage().getBody(String.class);
        exchange.getMessage().setBody(body);
        Call call = new Call(caller, ExchangeHelper.getAtRouteId(exchange),
            exchange.getMessage().getHeader("requestId", String.class), body);
        exchange.setVariable(CALL, call);
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                Integer status = done.getMessage().getHeader(Exchange.HTTP_RESPONSE_CODE, Integer.class);
                log(call, status != null ? status : done.isFailed() ? 500 : 200);
            }
        });
    }

    private static void log(Call call, int status) {
        StringBuilder line = new StringBuilder("Called: call=").append(call.operation());
        append(line, call.caller());
        append(line, "id", call.reload());
        JsonNode asked = object(call.body());
        for (String field : FIELDS) {
            JsonNode value = asked.path(field);
            if (value.isValueNode() && !value.isNull()) {
                append(line, field, value.asText());
            }
        }
        LOG.info("{}", line.append(" status=").append(status));
    }

    /** Logs a call that reached no route, since its caller may not make it. */
    public static void refused(Caller caller, String method, String path, int status) {
        if (!READING.contains(method)) {
            StringBuilder line = new StringBuilder("Refused:");
            append(line, "call", method + " " + path);
            append(line, caller);
            LOG.info("{}", line.append(" status=").append(status));
        }
    }

    private static void append(StringBuilder line, Caller caller) {
        append(line, "by", caller.name());
        append(line, "role", caller.role());
        append(line, "from", caller.address());
    }

    /** Others' texts are quoted, and cannot make a line of their own or another key. */
    private static void append(StringBuilder line, String key, String value) {
        if (value != null) {
            String text = value.length() > MOST_CHARACTERS ? value.substring(0, MOST_CHARACTERS) + "..." : value;
            boolean isPlain = text.matches("[\\w.:/@%+-]+");
            line.append(' ').append(key).append('=').append(isPlain ? text
                : '"' + text.replaceAll("[\\p{C}\\p{Zl}\\p{Zp}]", "?").replace('"', '\'') + '"');
        }
    }

    private static JsonNode object(String body) {
        try {
            return body == null || body.length() > Requests.MOST_BYTES ? JSON.createObjectNode() : JSON.readTree(body);
        } catch (JsonProcessingException e) {
            return JSON.createObjectNode();
        }
    }

    /**
     * Looks whether callers are asked who they are.
     *
     * @throws SettingsException if they must be, and are not
     */
    @Override
    public void setCamelContext(CamelContext context) {
        camelContext = context;
        if (settings.roles().contains(Settings.Role.RELOADER) && settings.http().isRequired()
            && context.getRegistry().findByType(Caller.Source.class).isEmpty()) {
            throw new SettingsException(List.of(Settings.name("bss.http.authentication") + ": nothing asks callers who they are"
                + " where Cistern runs without Spring Boot: set none, and let only those reach the port who may"));
        }
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }
}
