/**
 * The part of client-node that is used, named one by one so that the bundle leaves the other 14 MB out. Import it lazily: it takes a
 * tenth of a second.
 */
export { KubeConfig } from '@kubernetes/client-node';
