import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A certificate authority in a directory, made with the openssl command line: EC P-256 keys, valid for ten days. */
export interface Authority {
  readonly dir: string;
  readonly certFile: string;
  /** PEM of the CA certificate. */
  readonly cert: string;
  /** Issues `<file>.crt` and `<file>.key` into the directory. */
  issue(request: CertificateRequest): Promise<Certificate>;
}

export interface CertificateRequest {
  readonly file: string;
  readonly commonName: string;
  /** Kubernetes reads these as the user's groups. */
  readonly organizations?: readonly string[];
  /** `IP:127.0.0.1`, `DNS:localhost`: makes it a serving certificate; without it is a client certificate. */
  readonly subjectAltNames?: readonly string[];
}

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

async function openssl(dir: string, args: readonly string[]): Promise<void> {
  try {
    await run('openssl', [...args], { cwd: dir });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new Error('The real test cluster needs the program openssl to make its certificates: install it and put it on PATH.', {
        cause: error,
      });
    }
    throw error;
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const;

export async function createAuthority(dir: string, name: string): Promise<Authority> {
  const certFile = join(dir, `${name}.crt`);
  await openssl(dir, [
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.crt`,
    '-days',
    '10',
    '-subj',
    `/CN=concertina-e2e-${name}`,
    '-addext',
    'keyUsage=critical,keyCertSign,cRLSign,digitalSignature',
  ]);
  const cert = await readFile(certFile, 'utf8');
  return { dir, certFile, cert, issue: (request) => issue(dir, name, request) };
}

async function issue(dir: string, ca: string, request: CertificateRequest): Promise<Certificate> {
  const { file } = request;
  const escaped = (text: string): string => text.replaceAll(/([/+,\\])/gu, '\\$1');
  const subject = [...(request.organizations ?? []).map((name) => `/O=${escaped(name)}`), `/CN=${escaped(request.commonName)}`].join('');
  const extensions = ['keyUsage=critical,digitalSignature'];
  if (request.subjectAltNames === undefined) extensions.push('extendedKeyUsage=clientAuth');
  else extensions.push('extendedKeyUsage=serverAuth', `subjectAltName=${request.subjectAltNames.join(',')}`);
  await writeFile(join(dir, `${file}.ext`), `${extensions.join('\n')}\n`);
  await openssl(dir, ['req', '-new', ...newKey, '-keyout', `${file}.key`, '-out', `${file}.csr`, '-subj', subject]);
  // A random serial number instead of a shared serial file: certificates are issued in parallel.
  const serial = `0x${crypto.randomUUID().replaceAll('-', '').slice(0, 15)}`;
  await openssl(dir, [
    'x509',
    '-req',
    '-in',
    `${file}.csr`,
    '-CA',
    `${ca}.crt`,
    '-CAkey',
    `${ca}.key`,
    '-set_serial',
    serial,
    '-days',
    '9',
    '-extfile',
    `${file}.ext`,
    '-out',
    `${file}.crt`,
  ]);
  const [certFile, keyFile] = [join(dir, `${file}.crt`), join(dir, `${file}.key`)];
  const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
  return { certFile, keyFile, cert, key };
}

/** The key pair that signs ServiceAccount tokens: `sa.key`, `sa.pub`. */
export async function createServiceAccountKeys(dir: string): Promise<{ readonly keyFile: string; readonly publicFile: string }> {
  const [keyFile, publicFile] = [join(dir, 'sa.key'), join(dir, 'sa.pub')];
  await openssl(dir, ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'sa.key']);
  await openssl(dir, ['ec', '-in', 'sa.key', '-pubout', '-out', 'sa.pub']);
  return { keyFile, publicFile };
}

/** What the control plane needs, in one go; several programs of openssl run at the same time. */
export interface ControlPlanePki {
  readonly authority: Authority;
  readonly frontProxy: Authority;
  readonly apiserver: Certificate;
  readonly frontProxyClient: Certificate;
  readonly admin: Certificate;
  readonly controllerManager: Certificate;
  readonly scheduler: Certificate;
  readonly serviceAccounts: { readonly keyFile: string; readonly publicFile: string };
}

export async function createControlPlanePki(dir: string): Promise<ControlPlanePki> {
  const [authority, frontProxy, serviceAccounts] = await Promise.all([
    createAuthority(dir, 'ca'),
    createAuthority(dir, 'fp-ca'),
    createServiceAccountKeys(dir),
  ]);
  const subjectAltNames = ['IP:127.0.0.1', 'IP:10.0.0.1', 'DNS:localhost', 'DNS:kubernetes.default.svc'];
  const [apiserver, frontProxyClient, admin, controllerManager, scheduler] = await Promise.all([
    authority.issue({ file: 'apiserver', commonName: 'kube-apiserver', subjectAltNames }),
    frontProxy.issue({ file: 'fp', commonName: 'front-proxy-client' }),
    authority.issue({ file: 'admin', commonName: 'admin', organizations: ['system:masters'] }),
    authority.issue({ file: 'kcm', commonName: 'system:kube-controller-manager' }),
    authority.issue({ file: 'scheduler', commonName: 'system:kube-scheduler' }),
  ]);
  return { authority, frontProxy, apiserver, frontProxyClient, admin, controllerManager, scheduler, serviceAccounts };
}
