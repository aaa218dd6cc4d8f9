package io.cistern.testing.stores;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** Node.js on this machine, which some stores are programs of. */
public final class Node {

    private static final int OLDEST = 20;

    private static Integer version;
    private static Boolean npm;

    private Node() {
    }

    /** Why a store that is a script cannot run; null if it can. */
    static synchronized String whyNot() {
        if (version == null) {
            String output = output("node", "--version");
            version = output.matches("v\\d+\\..*") ? Integer.parseInt(output.substring(1, output.indexOf('.'))) : 0;
        }
        return version >= OLDEST ? null : "needs Node.js " + OLDEST + " or later on the PATH";
    }

    /** Why a store that npm fetches cannot run; null if it can. */
    public static synchronized String whyNotWithNpm() {
        if (npm == null) {
            npm = !output(Installation.npm(), "--version").isEmpty();
        }
        return npm && whyNot() == null ? null : "needs Node.js " + OLDEST + " or later with npm on the PATH";
    }

    private static String output(String... command) {
        try {
            Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            return process.waitFor(60, TimeUnit.SECONDS) && process.exitValue() == 0 ? output : "";
        } catch (IOException e) {
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }
}
