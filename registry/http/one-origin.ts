import type { Agent } from 'node:http';

import { DashError } from '../../format/index.ts';

/**
 * Lets an agent connect to the origin of one address and to nobody else. npm's libraries follow a redirect to another port
 * of the same host with the user's token, and with the package, in hand.
 */
export function confineToOrigin(agent: Agent, { hostname, port, protocol }: URL): Agent {
  const ownHost = hostname.replace(/^\[|\]$/g, '');
  const ownPort = Number(port === '' ? (protocol === 'https:' ? 443 : 80) : port);
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const [host, asked] = [options.host ?? options.hostname, Number(options.port ?? options.defaultPort)];
    if (host === ownHost && asked === ownPort) return connect(options, callback);
    throw new DashError('PUBLISH_FAILED', `the registry sends us on to \`${host}:${asked}\`, and what is yours is not shown there`, {
      hint: 'check `registry` in your `.npmrc`: it has to be where packages are published',
    });
  };
  return agent;
}
