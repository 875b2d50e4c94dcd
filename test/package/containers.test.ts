import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Deployment } from 'kubernetes-models/apps/v1';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ConfigMap, Secret, Service } from 'kubernetes-models/v1';
import { parse, parseAllDocuments } from 'yaml';
import { configFromObject } from '../../src/config/load.ts';
import type { ConfigObject } from '../../src/config/schema/schema.ts';
import { needs } from '../support/programs.ts';
import { root } from './pack.ts';

const folder = join(root, 'scripts', 'container');
const text = readFileSync(join(folder, 'kubernetes.yaml'), 'utf8');

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}
const documents = parseAllDocuments(text, { uniqueKeys: true }).map((document) => {
  assert.deepEqual(document.errors, []);
  return document.toJS() as Manifest;
});
const one = <T>(kind: string): T => {
  const found = documents.filter((document) => document.kind === kind);
  assert.equal(found.length, 1, kind);
  return found[0] as T;
};

/** The models check by the schemas that Kubernetes publishes. */
const models: Readonly<Record<string, new (data: never) => { validate(): void }>> = {
  Deployment,
  HorizontalPodAutoscaler,
  NetworkPolicy,
  PodDisruptionBudget,
  ConfigMap,
  Secret,
  Service,
};

/** What a start would say of a configuration. */
function faultsOf(config: unknown, environment: NodeJS.ProcessEnv): readonly string[] {
  const result = configFromObject(config as ConfigObject, root, environment);
  return result.ok ? [] : result.faults.map(({ path, message }) => `${path}: ${message}`);
}

describe('the manifests for Kubernetes', () => {
  test('are of the kinds that a service needs, each valid by the schema of its kind', () => {
    assert.deepEqual(documents.map(({ kind }) => kind).sort(), Object.keys(models).sort());
    for (const document of documents) {
      const Model = models[document.kind];
      assert.ok(Model);
      new Model(document as never).validate();
    }
    const broken = structuredClone(one<{ spec: { template: { spec: object } } }>('Deployment'));
    broken.spec.template.spec = {};
    assert.throws(() => new Deployment(broken as never).validate(), /containers/);
  });

  test('hold a configuration that is valid once the admin secret is set, and is refused while it is empty', () => {
    const { data } = one<{ data: Record<string, string> }>('ConfigMap');
    const config = parse(data['portcullis.yaml'] as string) as unknown;
    const secret = 'a-secret-of-32-letters-for-admin';
    assert.deepEqual(faultsOf(config, { ADMIN_SECRET: secret }), []);
    const { stringData } = one<{ stringData: Record<string, string> }>('Secret');
    assert.match(faultsOf(config, stringData).join(), /^admin\.secret/);
  });

  test('give the container no right, no disk, and the time to finish its requests', () => {
    const { spec } = one<{ spec: { template: { spec: PodSpec } } }>('Deployment').spec.template;
    const [container] = spec.containers;
    assert.ok(container);
    assert.deepEqual(container.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    assert.equal(spec.securityContext.runAsNonRoot, true);
    assert.equal(spec.automountServiceAccountToken, false);
    const { data } = one<{ data: Record<string, string> }>('ConfigMap');
    const { shutdown } = parse(data['portcullis.yaml'] as string) as { shutdown: { grace: string } };
    const [, seconds] = container.lifecycle.preStop.exec.command;
    assert.ok(Number(seconds) + Number.parseInt(shutdown.grace, 10) < spec.terminationGracePeriodSeconds);
  });

  test('are what Helm makes of the chart', needs('helm'), async () => {
    const helm = promisify(execFile);
    const { stdout } = await helm('helm', ['template', 'portcullis', join(folder, 'chart')]);
    assert.equal(stdout, text);
    await helm('helm', ['lint', '--strict', join(folder, 'chart')]);
    const sets = [
      '--set',
      'autoscaling.enabled=false,existingSecret=mine,networkPolicy.enabled=false,replicas=3',
    ];
    const other = await helm('helm', ['template', 'edge', join(folder, 'chart'), ...sets]);
    const kinds = parseAllDocuments(other.stdout).map((document) => document.toJS() as Manifest);
    assert.deepEqual(kinds.map(({ kind }) => kind).sort(), [
      'ConfigMap',
      'Deployment',
      'PodDisruptionBudget',
      'Service',
    ]);
    for (const document of kinds)
      new (models[document.kind] as (typeof models)[string])(document as never).validate();
    assert.match(other.stdout, /replicas: 3/);
    assert.match(other.stdout, /secretRef: \{ name: mine \}/);
  });
});

interface PodSpec {
  readonly automountServiceAccountToken: boolean;
  readonly securityContext: { readonly runAsNonRoot: boolean };
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly {
    readonly securityContext: unknown;
    readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
  }[];
}

interface Compose {
  readonly services: Readonly<Record<string, { environment?: Record<string, string>; configs?: unknown }>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
}

describe('compose.yaml', () => {
  const compose = parse(readFileSync(join(folder, 'compose.yaml'), 'utf8'), { merge: true }) as Compose;

  test('holds a configuration that is valid with the environment of its service', () => {
    // Compose takes $$ for a dollar.
    const content = compose.configs['gateway']?.content.replaceAll('$$', '$') ?? '';
    assert.deepEqual(faultsOf(parse(content), compose.services['gateway']?.environment ?? {}), []);
  });

  test('lets FusionAuth sign for the issuer and the audience that the gateway accepts', () => {
    const { variables, requests } = JSON.parse(compose.configs['kickstart']?.content ?? '') as {
      variables: { applicationId: string };
      requests: { url: string; body: { tenant?: { issuer: string } } }[];
    };
    const { issuers } = parse(compose.configs['gateway']?.content ?? '') as {
      issuers: { fusionauth: { issuer: string; audience: string } };
    };
    assert.equal(issuers.fusionauth.audience, variables.applicationId);
    const tenant = requests.find(({ body }) => body.tenant !== undefined);
    assert.equal(issuers.fusionauth.issuer, tenant?.body.tenant?.issuer);
  });
});
