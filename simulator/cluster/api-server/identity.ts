import type { Clock, Random } from '../../../core/model/clock.ts';
import { formatTime } from '../../../core/model/condition.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { StatusError, fieldErrors, invalid } from './errors.ts';
import { objectOf } from './json.ts';
import { uuid } from './names.ts';
import type { ApiRequest, UserInfo } from './types.ts';

/** Who asks without credentials: the cluster's administrator. The server listens on loopback only. */
export const adminUser: UserInfo = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };

interface IssuedToken {
  readonly user: UserInfo;
  readonly uid: string;
  readonly expiresAt: number;
  readonly audiences: readonly string[];
}

export interface Identity {
  readonly user: UserInfo;
  /** Who is behind an impersonation, and must be allowed to impersonate. */
  readonly impersonator: UserInfo | undefined;
}

const defaultAudience = 'https://kubernetes.default.svc';
/** The real server's bounds for a requested lifetime: ten minutes to 2^32 seconds. */
const minSeconds = 600;
const maxSeconds = 2 ** 32;
const defaultSeconds = 3600;

/** Tokens that this server has issued for ServiceAccounts, and who a request is from. */
export class Identities {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #tokens = new Map<string, IssuedToken>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** POST serviceaccounts/token: the TokenRequest with its status filled in. */
  issue(account: KubeObject, request: KubeObject): KubeObject {
    const spec = objectOf(request.spec);
    const seconds = Number(spec['expirationSeconds'] ?? defaultSeconds);
    if (seconds < minSeconds || seconds > maxSeconds) {
      const detail =
        seconds < minSeconds ? 'may not specify a duration less than 10 minutes' : 'may not specify a duration larger than 2^32 seconds';
      throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', [
        fieldErrors.invalid('spec.expirationSeconds', seconds, detail),
      ]);
    }
    const asked = Array.isArray(spec['audiences']) ? (spec['audiences'] as string[]) : [];
    const audiences = asked.length === 0 ? [defaultAudience] : asked;
    const { namespace = '', name, uid = '' } = account.metadata;
    const now = this.#clock.now();
    const expiresAt = now + seconds * 1000;
    const user: UserInfo = {
      username: `system:serviceaccount:${namespace}:${name}`,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    };
    const claims = {
      aud: audiences,
      exp: Math.floor(expiresAt / 1000),
      iat: Math.floor(now / 1000),
      iss: defaultAudience,
      jti: uuid(this.#random),
      'kubernetes.io': { namespace, serviceaccount: { name, uid } },
      sub: user.username,
    };
    const token = `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.${encode(uuid(this.#random))}`;
    this.#tokens.set(token, { user, uid, expiresAt, audiences });
    return {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name, namespace, creationTimestamp: formatTime(now) },
      spec: { ...spec, audiences, expirationSeconds: seconds, boundObjectRef: spec['boundObjectRef'] ?? null },
      status: { token, expirationTimestamp: formatTime(expiresAt) },
    };
  }

  /** The user of a token that is still good. */
  verify(token: string): (IssuedToken & { readonly token: string }) | undefined {
    const issued = this.#tokens.get(token);
    if (issued === undefined) return undefined;
    if (issued.expiresAt > this.#clock.now()) return { ...issued, token };
    this.#tokens.delete(token);
    return undefined;
  }

  /** Who sends the request; throws 401 for a token that is not good. */
  of(request: ApiRequest): Identity {
    const user = this.#authenticate(request.headers['authorization']);
    const impersonated = request.headers['impersonate-user'];
    if (impersonated === undefined) return { user, impersonator: undefined };
    const asked = request.headers['impersonate-group']?.split(',').map((group) => group.trim());
    const groups = asked ?? impliedGroups(impersonated);
    const all = groups.includes('system:authenticated') ? groups : [...groups, 'system:authenticated'];
    return { user: { username: impersonated, groups: all }, impersonator: user };
  }

  #authenticate(header: string | undefined): UserInfo {
    if (header === undefined) return adminUser;
    const [, token] = /^Bearer\s+(\S+)$/i.exec(header) ?? [];
    const issued = token === undefined ? undefined : this.verify(token);
    if (issued === undefined) throw new StatusError(401, 'Unauthorized', 'Unauthorized');
    return issued.user;
  }
}

/** An impersonated ServiceAccount brings its groups along. */
function impliedGroups(username: string): string[] {
  const [, namespace] = /^system:serviceaccount:([^:]+):[^:]+$/.exec(username) ?? [];
  return namespace === undefined ? [] : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
