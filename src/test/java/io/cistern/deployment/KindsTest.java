package io.cistern.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** That a slip in a manifest is told: otherwise the tests of manifests could not fail. */
class KindsTest {

    @ParameterizedTest
    @ValueSource(strings = {
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {replica: 1, selector: {}, template: {}}}",
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {selector: {}}}",
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {selector: {}, template: {spec: {containers: "
            + "[{name: a, readinessProbe: {httpGet: {paths: /, port: http}}}]}}}}",
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {selector: {}, template: {spec: {containers: "
            + "[{name: a, securityContext: {readOnlyRootFileSystem: true}}]}}}}",
        "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: a}, spec: {maxUnavailables: 1}}",
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}, spec: {podSelector: {}, egres: []}}",
        "{apiVersion: v1, kind: Deployment, metadata: {name: a}, specs: {}}",
        "{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: a}, spec: {scaleTargetRef: {name: a}, "
            + "triggers: [{type: kafka, metadata: {bootstrapServers: a, consumerGroup: a, lagTreshold: '1'}}]}}",
        "{apiVersion: kafka.strimzi.io/v1beta2, kind: KafkaTopic, metadata: {name: a}, spec: {partition: 1}}",
        "{apiVersion: kafka.strimzi.io/v1beta2, kind: KafkaUser, metadata: {name: a}, spec: {authorization: {type: simple, "
            + "acls: [{resource: {type: topic, name: a, pattern: prefix}, operations: [Read]}]}}}",
        "{apiVersion: kafka.strimzi.io/v1beta2, kind: KafkaUser, metadata: {name: a}, spec: {authorization: {type: simple, "
            + "acls: [{resource: {type: topic, name: a}, operations: [Reed]}]}}}",
        "{apiVersion: camel.apache.org/v1, kind: Integration, metadata: {name: a}, spec: {dependency: [camel:kafka]}}",
        "{apiVersion: camel.apache.org/v1, kind: Integration, metadata: {name: a}, spec: {traits: {mount: {config: [a]}}}}",
        "{apiVersion: example.org/v1, kind: Unheard, metadata: {name: a}}"})
    void tellsOfASlip(String resource) {
        assertThat(Kinds.problems(Yaml.documents(resource).get(0))).isNotEmpty();
    }
}
