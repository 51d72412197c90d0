/** Host and port of `HOST:PORT`; without a host all addresses. */
export function splitAddress(address: string): [string, number] {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  return [host === '' ? '0.0.0.0' : host, Number(address.slice(colon + 1))];
}
