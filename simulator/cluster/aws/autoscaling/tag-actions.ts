import type { Action, Actions } from '../protocol/action.ts';
import { validationError } from '../protocol/aws-error.ts';
import { pageOf } from '../protocol/page.ts';
import type { Parameters } from '../protocol/parameters.ts';
import type { GroupTag } from '../state/model.ts';
import { tagFields } from './group-output.ts';
import { groupNamed, invalidToken, maxRecords } from './lookups.ts';

interface Tagged extends GroupTag {
  readonly group: string;
}

const describe: Action = (account, parameters) => {
  const filters = readFilters(parameters);
  const limit = maxRecords(parameters, 50, 100);
  const token = parameters.text('NextToken');
  parameters.done();
  const tags = [...account.groups.values()]
    .flatMap((group) =>
      [...group.tags.values()].map((tag, index) => ({ tag: { ...tag, group: group.name }, fields: tagFields(group)[index] })),
    )
    .filter(({ tag }) => filters.every((filter) => filter(tag)))
    .toSorted((a, b) => (keyOf(a.tag) < keyOf(b.tag) ? -1 : 1));
  const { items, next } = pageOf(tags, { token, limit, key: ({ tag }) => keyOf(tag), badToken: invalidToken });
  return { Tags: items.map(({ fields }) => fields), NextToken: next };
};

const createOrUpdate: Action = (account, parameters) => {
  const tags = parameters.list('Tags').map((tag) => {
    tag.accept('ResourceType');
    return {
      group: groupNamed(account, tag.required('ResourceId')),
      key: tag.required('Key'),
      value: tag.text('Value') ?? '',
      propagate: tag.flag('PropagateAtLaunch') ?? false,
    };
  });
  parameters.done();
  for (const { group, ...tag } of tags) group.tags.set(tag.key, tag);
  return undefined;
};

const remove: Action = (account, parameters) => {
  const tags = parameters.list('Tags').map((tag) => {
    tag.accept('ResourceType', 'Value', 'PropagateAtLaunch');
    return { group: groupNamed(account, tag.required('ResourceId')), key: tag.required('Key') };
  });
  parameters.done();
  for (const { group, key } of tags) group.tags.delete(key);
  return undefined;
};

function readFilters(parameters: Parameters): readonly ((tag: Tagged) => boolean)[] {
  return parameters.list('Filters').map((filter) => {
    const name = filter.required('Name');
    const values = new Set(filter.texts('Values'));
    if (name === 'auto-scaling-group') return ({ group }) => values.has(group);
    if (name === 'key') return ({ key }) => values.has(key);
    if (name === 'value') return ({ value }) => values.has(value);
    if (name === 'propagate-at-launch') return ({ propagate }) => values.has(String(propagate));
    throw validationError(`Filter type ${name} is not correct. Allowed Filter types are: auto-scaling-group key value propagate-at-launch`);
  });
}

/** A tab is in no name of a group that AWS would take. */
function keyOf({ group, key }: Tagged): string {
  return `${group}\t${key}`;
}

export const tagActions: Actions = { DescribeTags: describe, CreateOrUpdateTags: createOrUpdate, DeleteTags: remove };
