/** Node group templates: the imaginary empty node of each group in which scale-up is simulated (§5). */
export { isDaemonPod } from './daemons.ts';
export type { TaintOptions } from './sanitize.ts';
export { candidateTaintKey, deletionTaintKey, isStartupTaint, taintTypeOf } from './sanitize.ts';
export type { TemplateFacts, TemplateOptions, TemplateOrigin, Templates } from './templates.ts';
export { buildTemplates, upcomingName } from './templates.ts';
