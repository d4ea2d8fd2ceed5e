// What is measured. A row has sides, which take turns round by round; each turn gives figures. Targets are ratios of the rounds'
// figures against another side, or bounds of a figure.
import { cpuOf, cpuPercentOf } from './loadtest.mjs';

const kLatency = {
  p50: { label: 'p50, ms', better: 'lower' },
  p99: { label: 'p99, ms', better: 'lower' },
};

const labels = { carillon: 'Carillon, distributed', embedded: 'Carillon, one process', nestjs: 'NestJS', socketio: 'bare socket.io' };

/** What a run of pushes has shown. */
function pushed(result) {
  const { latencyMs, deliveriesPerServerCpuSecond, deliveriesPerSecond } = result.notifications;
  return {
    figures: { p50: latencyMs.p50, p99: latencyMs.p99, p999: latencyMs.p999, perCpu: deliveriesPerServerCpuSecond, perSecond: deliveriesPerSecond },
    cpu: cpuPercentOf(result),
    raw: result,
  };
}

function seconds(context, full, quick) {
  return ['--duration', `${context.quick ? quick : full}s`];
}

const rate = {
  name: 'rate',
  title: 'Event to socket, 500 events a second',
  text: 'Events straight onto JetStream, 500 users with two tabs each; the time from publishing to each tab.',
  figures: { ...kLatency, perCpu: { label: 'deliveries per gateway CPU-second', better: 'higher' } },
  sides: Object.fromEntries(['carillon', 'nestjs', 'socketio'].map((name) => [name, {
    label: labels[name],
    systems: [name],
    warm: async ({ loadtest, systems }) => {
      const system = await systems.get(name);
      await loadtest.run([...system.clients(), ...system.events(), '--scenario', 'push', '--clients', '200', '--connect-rate', '0',
        '--events', '10000', '--rate', '0', '--allow-busy', ...system.pids()]);
    },
    turn: async (context) => {
      const system = await context.systems.get(name);
      return pushed(await context.loadtest.run([...system.clients(), ...system.events(), '--scenario', 'push', '--clients', '1000',
        '--connect-rate', '0', '--rate', '500', ...seconds(context, 8, 3), ...system.pids()]));
    },
  }])),
  targets: [
    { figure: 'p50', side: 'carillon', against: 'nestjs', atMost: 0.7 },
    { figure: 'p99', side: 'carillon', against: 'nestjs', atMost: 0.7 },
  ],
};

export const rows = [rate];
