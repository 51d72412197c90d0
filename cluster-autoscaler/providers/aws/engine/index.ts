/** The rules of Auto Scaling groups, without AWS. */
export * from './deletion.ts';
export * from './failure-code.ts';
export * from './group-list.ts';
export * from './increase.ts';
export * from './instance-type.ts';
export * from './managed-nodegroup.ts';
export * from './node-spec.ts';
export * from './notes.ts';
export * from './placeholders.ts';
export * from './provider-id.ts';
export * from './requirements.ts';
export * from './tags.ts';
export * from './template.ts';
