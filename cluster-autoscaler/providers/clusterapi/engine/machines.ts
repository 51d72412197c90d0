/** Which machines a group has, and what becomes of them (§18). Pure. */
import type { Instance, ProviderFailure } from '../../../engine/model.ts';
import type { MachineRecord, ScalableRecord } from './records.ts';

/** `Kind/namespace/name`, as upstream names groups. */
export function groupId({ kind, namespace, name }: Pick<ScalableRecord, 'kind' | 'namespace' | 'name'>): string {
  return `${kind}/${namespace}/${name}`;
}

/** Id of a machine: its node's provider id, or a name that says where it stands. */
export function instanceId(machine: MachineRecord): string {
  if (machine.providerId !== '') return machine.providerId;
  const stage = machine.deleted ? 'deleting' : machine.failure === '' ? 'pending' : 'failed';
  return `${stage}-machine-${machine.namespace}_${machine.name}`;
}

/** A failed machine without a node is one that will not come; one that has a node is the node's matter. */
export function instanceOf(machine: MachineRecord, ended: boolean): Instance {
  const id = instanceId(machine);
  if (machine.deleted || ended) return { id, state: 'deleting' };
  if (machine.node !== '') return { id, state: 'running' };
  return { id, state: 'creating', failure: machine.failure === '' ? undefined : failureOfMachine(machine) };
}

/** Infrastructure providers hand on what their cloud says. */
const capacityWords = /insufficient|out of (?:capacity|resources|stock)|capacity|quota|limit exceeded|limitexceeded/i;

function failureOfMachine({ namespace, name, failure }: MachineRecord): ProviderFailure {
  return {
    class: capacityWords.test(failure) ? 'out-of-resources' : 'other',
    code: 'ProvisioningFailed',
    message: `machine ${namespace}/${name}: ${failure}`.slice(0, 400),
  };
}

/** Id of the group that owns a machine: its MachinePool, its MachineSet, or the MachineDeployment of that. */
export function ownerGroup(machine: MachineRecord, setOwner: (namespace: string, set: string) => string | undefined): string | undefined {
  const [kind = '', name = ''] = machine.owner?.split('/') ?? [];
  if (kind === 'MachinePool') return groupId({ kind, namespace: machine.namespace, name });
  if (kind !== 'MachineSet') return undefined;
  const owner = setOwner(machine.namespace, name);
  const [ownerKind, ownerName = ''] = owner?.split('/') ?? [];
  if (ownerKind === 'MachineDeployment') return groupId({ kind: ownerKind, namespace: machine.namespace, name: ownerName });
  return groupId({ kind, namespace: machine.namespace, name });
}
