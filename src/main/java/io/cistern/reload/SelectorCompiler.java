package io.cistern.reload;

import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.jayway.jsonpath.JsonPath;
import java.util.Collection;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.thisptr.jackson.jq.Function;
import net.thisptr.jackson.jq.Scope;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.Predicate;
import org.apache.camel.jsonpath.JsonPathExpression;
import org.apache.camel.jsonpath.easypredicate.EasyPredicateParser;
import org.apache.camel.language.jq.JqExpression;
import org.apache.camel.language.jq.JqFunctions;
import org.apache.camel.language.jq.JqLanguage;
import org.apache.camel.language.simple.types.SimpleIllegalSyntaxException;
import org.apache.camel.support.DefaultExchange;
import org.codehaus.groovy.control.CompilationFailedException;

/** Makes predicates of the text of selectors, and says what is wrong of one that is none. */
final class SelectorCompiler {

    private static final Pattern LINE = Pattern.compile(",? *@? *(?:at )?line (\\d+), column (\\d+)\\.?");
    private static final Pattern INDEX = Pattern.compile("(?:position|index|location) (\\d+)");

    /**
     * camel-jq's function of this name also reads variables that are not the record's own, by names like global:x; this one
     * is for what a caller sends.
     */
    private static final Function OWN_VARIABLE = (scope, args, in, path, output, version) ->
        args.get(0).apply(scope, in, name -> {
            Object value = JqFunctions.EXCHANGE_LOCAL.get().getVariables().get(name.asText());
            output.emit(value == null ? NullNode.getInstance() : new TextNode(value.toString()), null);
        });

    private final CamelContext context;

    SelectorCompiler(CamelContext context) {
        this.context = context;
    }

    /**
     * What the operator wrote into a file: it may do whatever its language can.
     *
     * @throws RuntimeException if it cannot be compiled; see {@link #problem}
     */
    Predicate ofFile(String language, String text) {
        Predicate predicate = language.equals("jq") ? jq(new JqExpression(text))
            : context.resolveLanguage(language).createPredicate(text);
        predicate.init(context);
        if (language.equals("groovy")) {
            compile(predicate);
        } else if (language.equals("jsonpath") && !text.contains("${")) {
            JsonPath.compile(new EasyPredicateParser().parse(text));
        }
        return predicate;
    }

    /**
     * What came with a request: it sees the record and nothing else. Camel's languages as such would also load resources,
     * evaluate what is written in simple within a JSONPath, and read global variables.
     *
     * @throws RuntimeException if it cannot be compiled; see {@link #problem}
     */
    Predicate ofRequest(String language, String text) {
        if (language.equals("jq")) {
            Scope scope = Scope.newChildScope(((JqLanguage) context.resolveLanguage("jq")).getRootScope());
            scope.addFunction("variable", 1, OWN_VARIABLE);
            scope.addFunction("variable", 2, OWN_VARIABLE);
            JqExpression expression = new JqExpression(scope, text);
            expression.init(context);
            return jq(expression);
        }
        JsonPath.compile(text);
        JsonPathExpression expression = new JsonPathExpression(text);
        expression.setPredicate(true);
        expression.setAllowSimple(false);
        expression.setAllowEasyPredicate(false);
        expression.init(context);
        return expression;
    }

    /** True if one of its outputs is; to camel-jq any two outputs would be. */
    private static Predicate jq(JqExpression expression) {
        return new Predicate() {
            @Override
            public boolean matches(Exchange exchange) {
                Object outputs = expression.evaluate(exchange, Object.class);
                return outputs instanceof Collection<?> several ? several.contains(BooleanNode.TRUE)
                    : BooleanNode.TRUE.equals(outputs);
            }

            @Override
            public void init(CamelContext camelContext) {
                expression.init(camelContext);
            }
        };
    }

    /** Groovy is compiled when it is used first: what that finds wrong of the selector itself is told. */
    private void compile(Predicate predicate) {
        Exchange exchange = new DefaultExchange(context);
        exchange.getMessage().setBody("{}");
        try {
            predicate.matches(exchange);
        } catch (CompilationFailedException e) {
            throw e;
        } catch (Exception | AssertionError e) {
            // It is no selector of such a record.
        }
    }

    /** What the compiler said of {@code text}, in one line that begins with the place if the compiler named it. */
    static String problem(String text, Throwable failure) {
        String reason = null;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            String message = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
            for (String line : message.split("\\R")) {
                Matcher place = LINE.matcher(line);
                if (place.find()) {
                    return place(Integer.parseInt(place.group(1)), Integer.parseInt(place.group(2)))
                        + place.replaceFirst("").strip();
                }
            }
            Matcher index = INDEX.matcher(message);
            int at = cause instanceof SimpleIllegalSyntaxException simple ? simple.getIndex()
                : index.find() ? Integer.parseInt(index.group(1)) : -1;
            reason = message.split("\\R")[0];
            if (at >= 0 && at <= text.length()) {
                String before = text.substring(0, at);
                return place((int) before.chars().filter(c -> c == '\n').count() + 1, at - before.lastIndexOf('\n')) + reason;
            }
        }
        return (text.strip().contains("\n") ? "" : "line 1: ") + reason;
    }

    private static String place(int line, int column) {
        return "line " + line + ", column " + column + ": ";
    }
}
