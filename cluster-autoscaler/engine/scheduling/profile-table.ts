import type { PodShape } from '../../../core/model/index.ts';
import { createContentTable, hashNumber } from './content-table.ts';
import { demandOf, requestsOf, type Demand, type ResourceColumns } from './demand.ts';
import { selectionRule, type SelectionRule, type TolerationRule } from './node-rules.ts';
import type { Profile } from './pod-kind.ts';

/** Profiles and the rules in them, each content once. */
export interface ProfileTable {
  profileOf(shape: PodShape): Profile;
}

export function createProfileTable(columns: ResourceColumns): ProfileTable {
  const tolerations = new Map<string, TolerationRule>();
  const selections = new Map<string, SelectionRule | undefined>();
  const profiles = createContentTable<Profile>();

  const tolerationRule = (shape: PodShape): TolerationRule => {
    const text = shape.tolerations.length === 0 ? '' : JSON.stringify(shape.tolerations);
    let rule = tolerations.get(text);
    if (rule === undefined) tolerations.set(text, (rule = { tolerations: shape.tolerations, verdicts: new Uint8Array(4) }));
    return rule;
  };
  const selectionOf = ({ nodeSelector, affinity }: PodShape): SelectionRule | undefined => {
    const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? undefined;
    if (required === undefined && isEmpty(nodeSelector)) return undefined;
    const text = JSON.stringify([nodeSelector, required]);
    let rule = selections.get(text);
    if (rule === undefined) selections.set(text, (rule = selectionRule(nodeSelector, required)));
    return rule;
  };

  return {
    profileOf: (shape) => {
      const demand = demandOf(requestsOf(shape), columns);
      const toleration = tolerationRule(shape);
      const selection = selectionOf(shape);
      const hash = hashDemand(demand);
      const known = profiles.find(
        hash,
        (each) => each.tolerations === toleration && each.selection === selection && isSameDemand(each.demand, demand),
      );
      if (known !== undefined) return known;
      const profile: Profile = { demand, tolerations: toleration, selection, hopelessAt: -1 };
      profiles.add(hash, profile);
      return profile;
    },
  };
}

function isEmpty(record: object): boolean {
  for (const _ in record) return false;
  return true;
}

function hashDemand({ columns, amounts }: Demand): number {
  let hash = columns.length;
  for (let index = 0; index < columns.length; index++) {
    hash = Math.imul(hash ^ hashNumber(amounts[index] as number) ^ (columns[index] as number), 0x01000193);
  }
  return hash;
}

function isSameDemand(a: Demand, b: Demand): boolean {
  if (a.columns.length !== b.columns.length) return false;
  for (let index = 0; index < a.columns.length; index++) {
    if (a.columns[index] !== b.columns[index] || a.amounts[index] !== b.amounts[index]) return false;
  }
  return true;
}
