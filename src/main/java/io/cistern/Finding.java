package io.cistern;

/**
 * What a check has tried, and what came of it.
 *
 * @param area    what kind of thing was looked at: settings, http, broker, topic, group, bucket or selectors
 * @param subject which one
 * @param tried   what was done
 * @param outcome whether it is right
 * @param found   what came back; no secrets
 */
public record Finding(String area, String subject, String tried, Outcome outcome, String found) {

    /** Right; wrong; or not known, which is said by what was found. */
    public enum Outcome { RIGHT, WRONG, UNKNOWN }
}
