import type { Action, Actions } from '../protocol/action.ts';
import { AwsError } from '../protocol/aws-error.ts';
import { missingParameter, type Parameters } from '../protocol/parameters.ts';
import type { XmlFields } from '../protocol/xml.ts';
import type { Account } from '../state/account.ts';
import { addVersion, createTemplate, versionOf } from '../state/launch-templates.ts';
import type { LaunchTemplate, LaunchTemplateVersion } from '../state/model.ts';
import { readPage } from './lookups.ts';
import { readTemplateData, templateDataFields } from './template-data.ts';

const create: Action = (account, parameters) => {
  const name = parameters.required('LaunchTemplateName');
  const data = parameters.part('LaunchTemplateData');
  const description = parameters.text('VersionDescription');
  if (data === undefined) throw missingParameter('LaunchTemplateData');
  const read = readTemplateData(data);
  parameters.accept('ClientToken', 'TagSpecification').done();
  if (!/^[\w()./-]{3,128}$/.test(name)) {
    throw new AwsError('InvalidLaunchTemplateName.MalformedException', `The launch template name ${name} is malformed.`);
  }
  return { launchTemplate: templateFields(account, createTemplate(account, name, read, description)) };
};

const createVersion: Action = (account, parameters) => {
  const template = requiredTemplate(account, parameters);
  const source = parameters.text('SourceVersion');
  const part = parameters.part('LaunchTemplateData');
  const description = parameters.text('VersionDescription');
  if (part === undefined) throw missingParameter('LaunchTemplateData');
  const data = readTemplateData(part);
  parameters.accept('ClientToken').done();
  const base = source === undefined ? {} : requiredVersion(template, source).data;
  const version = addVersion(account, template, { ...base, ...data }, description);
  return { launchTemplateVersion: versionFields(account, template, version) };
};

const modify: Action = (account, parameters) => {
  const template = requiredTemplate(account, parameters);
  const version = parameters.text('SetDefaultVersion');
  parameters.accept('ClientToken').done();
  if (version !== undefined) template.defaultVersion = requiredVersion(template, version).number;
  return { launchTemplate: templateFields(account, template) };
};

const remove: Action = (account, parameters) => {
  const template = requiredTemplate(account, parameters);
  parameters.done();
  account.templates.delete(template.id);
  return { launchTemplate: templateFields(account, template) };
};

const describe: Action = (account, parameters) => {
  const ids = parameters.texts('LaunchTemplateId');
  const names = parameters.texts('LaunchTemplateName');
  const page = readPage<LaunchTemplate>(parameters, { key: ({ id }) => id, least: 1, most: 200, standard: 200 });
  parameters.done();
  const named = [...ids.map((id) => ({ id })), ...names.map((name) => ({ name }))].map((reference) => known(account, reference));
  const found = (named.length > 0 ? named : [...account.templates.values()]).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const { items, next } = page(found);
  return { launchTemplates: items.map((template) => templateFields(account, template)), nextToken: next };
};

const describeVersions: Action = (account, parameters) => {
  const wanted = parameters.texts('LaunchTemplateVersion');
  const least = parameters.whole('MinVersion') ?? 1;
  const most = parameters.whole('MaxVersion') ?? Number.POSITIVE_INFINITY;
  const template = templateOf(account, parameters);
  const page = readPage<Versioned>(parameters, { key: keyOf, least: 1, most: 200, standard: 200 });
  parameters.accept('ResolveAlias').done();
  if (template === undefined && (wanted.length === 0 || wanted.some((version) => version !== '$Latest' && version !== '$Default'))) {
    throw missingParameter('LaunchTemplateId or LaunchTemplateName');
  }
  const found = (template === undefined ? [...account.templates.values()] : [template]).flatMap((each) =>
    (wanted.length === 0
      ? each.versions.filter(({ number }) => number >= least && number <= most)
      : [...new Set(wanted.map((version) => requiredVersion(each, version)))]
    ).map((version) => ({ template: each, version })),
  );
  const { items, next } = page(found.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)));
  return { launchTemplateVersionSet: items.map((each) => versionFields(account, each.template, each.version)), nextToken: next };
};

interface Versioned {
  readonly template: LaunchTemplate;
  readonly version: LaunchTemplateVersion;
}

/** Newest version first, as EC2 lists them. */
function keyOf({ template, version }: Versioned): string {
  return `${template.id}/${String(1_000_000 - version.number).padStart(7, '0')}`;
}

function templateOf(account: Account, parameters: Parameters): LaunchTemplate | undefined {
  const id = parameters.text('LaunchTemplateId');
  const name = parameters.text('LaunchTemplateName');
  if (id !== undefined && name !== undefined) {
    throw new AwsError('InvalidParameterCombination', 'Both LaunchTemplateId and LaunchTemplateName have been given: give one of them');
  }
  return id === undefined && name === undefined ? undefined : known(account, { id, name });
}

function requiredTemplate(account: Account, parameters: Parameters): LaunchTemplate {
  const template = templateOf(account, parameters);
  if (template === undefined) throw missingParameter('LaunchTemplateId or LaunchTemplateName');
  return template;
}

function known(account: Account, reference: { readonly id?: string | undefined; readonly name?: string | undefined }): LaunchTemplate {
  const template = account.template(reference);
  if (template !== undefined) return template;
  if (reference.id === undefined) {
    throw new AwsError(
      'InvalidLaunchTemplateName.NotFoundException',
      'At least one of the launch templates specified in the request does not exist.',
    );
  }
  throw new AwsError(
    'InvalidLaunchTemplateId.NotFound',
    `The specified launch template, with template ID ${reference.id}, does not exist.`,
  );
}

function requiredVersion(template: LaunchTemplate, version: string): LaunchTemplateVersion {
  const found = versionOf(template, version);
  if (found !== undefined) return found;
  throw new AwsError('InvalidLaunchTemplateId.VersionNotFound', `Could not find launch template version ${version}`);
}

function templateFields(account: Account, template: LaunchTemplate): XmlFields {
  return {
    launchTemplateId: template.id,
    launchTemplateName: template.name,
    createTime: new Date(template.createdAt),
    createdBy: `arn:aws:iam::${account.accountId}:root`,
    defaultVersionNumber: template.defaultVersion,
    latestVersionNumber: template.versions.at(-1)?.number,
  };
}

function versionFields(account: Account, template: LaunchTemplate, version: LaunchTemplateVersion): XmlFields {
  return {
    launchTemplateId: template.id,
    launchTemplateName: template.name,
    versionNumber: version.number,
    versionDescription: version.description,
    createTime: new Date(version.createdAt),
    createdBy: `arn:aws:iam::${account.accountId}:root`,
    defaultVersion: version.number === template.defaultVersion,
    launchTemplateData: templateDataFields(version.data),
  };
}

export const templateActions: Actions = {
  CreateLaunchTemplate: create,
  CreateLaunchTemplateVersion: createVersion,
  ModifyLaunchTemplate: modify,
  DeleteLaunchTemplate: remove,
  DescribeLaunchTemplates: describe,
  DescribeLaunchTemplateVersions: describeVersions,
};
