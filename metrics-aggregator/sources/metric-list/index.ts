/** What the sources of custom and external metrics share: lists of metric values over the API server. */
export { createFlight, type Flight } from './flight.ts';
export { defaultMaxBytes, getDocument, isRecord, type DocumentAnswer, type DocumentRequest } from './get-document.ts';
export { itemsOf, labelsOf, measured, type Measured, type WindowField } from './read-items.ts';
export { encodeStrictly, segmentProblem, shown, withSelectors } from './segments.ts';
