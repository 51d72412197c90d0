import { AwsError } from '../protocol/aws-error.ts';
import type { Account } from './account.ts';
import { resourceId } from './ids.ts';
import type { LaunchTemplate, LaunchTemplateData, LaunchTemplateVersion } from './model.ts';

export function createTemplate(account: Account, name: string, data: LaunchTemplateData, description?: string): LaunchTemplate {
  if (account.template({ name }) !== undefined) {
    throw new AwsError('InvalidLaunchTemplateName.AlreadyExistsException', 'Launch template name already in use.');
  }
  const template: LaunchTemplate = {
    id: resourceId('lt', account.random),
    name,
    createdAt: account.clock.now(),
    defaultVersion: 1,
    versions: [],
  };
  account.templates.set(template.id, template);
  addVersion(account, template, data, description);
  return template;
}

export function addVersion(
  account: Account,
  template: LaunchTemplate,
  data: LaunchTemplateData,
  description?: string,
): LaunchTemplateVersion {
  const version: LaunchTemplateVersion = {
    number: (template.versions.at(-1)?.number ?? 0) + 1,
    createdAt: account.clock.now(),
    data,
    ...(description !== undefined && { description }),
  };
  template.versions.push(version);
  return version;
}

/** `$Latest`, `$Default` (also when absent) or a number. */
export function versionOf(template: LaunchTemplate, version: string | undefined): LaunchTemplateVersion | undefined {
  if (version === '$Latest') return template.versions.at(-1);
  const number = version === undefined || version === '$Default' ? template.defaultVersion : Number(version);
  return template.versions.find((each) => each.number === number);
}
