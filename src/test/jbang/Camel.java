import org.apache.camel.dsl.jbang.core.commands.CamelJBangMain;

/** Camel JBang's launcher, which is in no Maven repository: run from its source. */
class Camel {

    public static void main(String[] args) {
        CamelJBangMain.run(args);
    }
}
