import type { NodeScrape } from './types.ts';

/** The scrape as `/metrics/resource` has it: cumulative CPU, working set and start time, with timestamps in milliseconds. */
export function expositionText(scrape: NodeScrape): string {
  const cpu: string[] = [];
  const memory: string[] = [];
  const start: string[] = [];
  const podCpu: string[] = [];
  const podMemory: string[] = [];
  for (const pod of scrape.pods) {
    let podCpuSeconds = 0;
    let podMemoryBytes = 0;
    let timestamp = 0;
    for (const point of pod.containers) {
      const labels = `{container="${point.name}",namespace="${pod.namespace}",pod="${pod.name}"}`;
      cpu.push(`container_cpu_usage_seconds_total${labels} ${seconds(point.cpuSeconds)} ${point.timestamp}`);
      memory.push(`container_memory_working_set_bytes${labels} ${point.memoryBytes} ${point.timestamp}`);
      start.push(`container_start_time_seconds${labels} ${point.startTime / 1000}`);
      podCpuSeconds += point.cpuSeconds;
      podMemoryBytes += point.memoryBytes;
      timestamp = Math.max(timestamp, point.timestamp);
    }
    if (pod.containers.length === 0) continue;
    const labels = `{namespace="${pod.namespace}",pod="${pod.name}"}`;
    podCpu.push(`pod_cpu_usage_seconds_total${labels} ${seconds(podCpuSeconds)} ${timestamp}`);
    podMemory.push(`pod_memory_working_set_bytes${labels} ${podMemoryBytes} ${timestamp}`);
  }
  const { node } = scrape;
  return [
    ...family('container_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the container in core-seconds', cpu),
    ...family('container_memory_working_set_bytes', 'gauge', 'Current working set of the container in bytes', memory),
    ...family('container_start_time_seconds', 'gauge', 'Start time of the container since unix epoch in seconds', start),
    ...family('node_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the node in core-seconds', [
      `node_cpu_usage_seconds_total ${seconds(node.cpuSeconds)} ${node.timestamp}`,
    ]),
    ...family('node_memory_working_set_bytes', 'gauge', 'Current working set of the node in bytes', [
      `node_memory_working_set_bytes ${node.memoryBytes} ${node.timestamp}`,
    ]),
    ...family('pod_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the pod in core-seconds', podCpu),
    ...family('pod_memory_working_set_bytes', 'gauge', 'Current working set of the pod in bytes', podMemory),
    ...family('resource_scrape_error', 'gauge', '1 if there was an error while getting container metrics, 0 otherwise', [
      'resource_scrape_error 0',
    ]),
    '',
  ].join('\n');
}

function family(name: string, type: string, help: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`# HELP ${name} [STABLE] ${help}`, `# TYPE ${name} ${type}`, ...lines];
}

/** Nine places: what metrics-server keeps (nano-cores). */
function seconds(value: number): string {
  return String(Math.round(value * 1e9) / 1e9);
}
