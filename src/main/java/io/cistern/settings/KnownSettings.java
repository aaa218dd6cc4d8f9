package io.cistern.settings;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.core.env.EnumerablePropertySource;
import org.springframework.core.env.PropertySource;
import org.springframework.core.io.ClassPathResource;

/** The keys and environment variables that the packed {@code application.yaml} defines. */
final class KnownSettings {

    private static final String MAPPING = "bss.topics-config.data-topics-mapping";
    private static final List<String> MAPPING_FIELDS = List.of("ingestion", "ingestion-pattern", "bucket-folder",
        "former-folders", "former-folders[0]", "post-ingestion", "post-ingestion[0]");
    private static final Pattern KEY = Pattern.compile("(bss|kafka)\\..*");
    private static final Pattern VARIABLE = Pattern.compile("\\$\\{([A-Z][A-Z0-9_]*):");

    private final Set<String> keys = new TreeSet<>();
    private final Set<String> variables = new TreeSet<>();
    /** The keys in the form in which Spring Boot compares them. */
    private final Set<String> uniformKeys = new TreeSet<>();
    /** What Spring Boot reads a key from, beside the variables that {@code application.yaml} names. */
    private final Set<String> relaxedVariables = new TreeSet<>();

    private KnownSettings() {
    }

    /** Reads the packed file. */
    static KnownSettings read() {
        KnownSettings known = new KnownSettings();
        try {
            for (PropertySource<?> document : new YamlPropertySourceLoader().load("packed",
                new ClassPathResource("application.yaml", KnownSettings.class.getClassLoader()))) {
                known.add((EnumerablePropertySource<?>) document);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        MAPPING_FIELDS.forEach(field -> known.addKey(MAPPING + "[0]." + field));
        return known;
    }

    private void add(EnumerablePropertySource<?> document) {
        for (String key : document.getPropertyNames()) {
            if (KEY.matcher(key).matches()) {
                addKey(key);
            }
            Matcher variable = VARIABLE.matcher(String.valueOf(document.getProperty(key)));
            while (variable.find()) {
                variables.add(variable.group(1));
            }
        }
    }

    private void addKey(String key) {
        keys.add(key);
        uniformKeys.add(uniform(key));
        String elements = key.replaceAll("\\[(\\d+)]", ".$1").replace('.', '_').toUpperCase(Locale.ROOT);
        relaxedVariables.add(elements.replace("-", ""));
        relaxedVariables.add(elements.replace('-', '_'));
    }

    /** Whether a key is known, in any spelling that Spring Boot takes, with any index. */
    boolean hasKey(String key) {
        return uniformKeys.contains(uniform(key));
    }

    /** Whether an environment variable feeds a key. */
    boolean hasVariable(String variable) {
        return variables.contains(variable) || relaxedVariables.contains(variable.replaceAll("_\\d+(?=_|$)", "_0"));
    }

    /** The nearest known key, with the first index of {@code key} in it. */
    String nearestKey(String key) {
        Matcher index = Pattern.compile("\\[(\\d+)]").matcher(key);
        String first = index.find() ? index.group() : "[0]";
        // The spelling does not matter, so that it is no edit.
        String wanted = key.replaceAll("\\[\\d+]", "[0]").toLowerCase(Locale.ROOT);
        Set<String> candidates = new TreeSet<>(keys);
        // A misspelt section may stand for the section.
        keys.forEach(known -> {
            for (int dot = known.indexOf('.', known.indexOf('.') + 1); dot > 0; dot = known.indexOf('.', dot + 1)) {
                candidates.add(known.substring(0, dot));
            }
        });
        return NearestName.of(wanted, candidates).replace(MAPPING + "[0]", MAPPING + first);
    }

    /** The nearest known environment variable. */
    String nearestVariable(String variable) {
        Set<String> candidates = new TreeSet<>(variables);
        candidates.addAll(relaxedVariables.stream().filter(relaxed -> relaxed.startsWith("BSS_TOPICSCONFIG_")).toList());
        return NearestName.of(variable, candidates);
    }

    private static String uniform(String key) {
        return key.replaceAll("\\[\\d+]", "[0]").replaceAll("[-_]", "").toLowerCase(Locale.ROOT);
    }
}
