/** The rules of Cluster API, without an API server. */
export * from './discovery.ts';
export * from './machines.ts';
export * from './names.ts';
export * from './records.ts';
export * from './template.ts';
