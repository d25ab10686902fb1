import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { ExtensionAPI } from 'dash-agent/sdk';
import { Type } from 'typebox';

interface Place {
  readonly latitude: number;
  readonly longitude: number;
}

/** `places.json` of the workspace: `{"Lisbon": {"latitude": 38.72, "longitude": -9.14}}` */
type Places = Readonly<Record<string, Place>>;

export default function (dash: ExtensionAPI) {
  dash.registerTool({
    name: 'list_places',
    label: 'List places',
    description: 'Lists the places the forecast tool knows',
    parameters: Type.Object({}),
    async execute(_callId, _args, _signal, _onUpdate, ctx) {
      const places: Places = JSON.parse(readFileSync(placesFile(ctx.cwd), 'utf8'));
      return { content: [{ type: 'text', text: Object.keys(places).join('\n') }], details: { places } };
    },
  });

  dash.registerTool({
    name: 'forecast',
    label: 'Forecast',
    description: 'Tells the temperature at one of the known places, now and for the next hours',
    parameters: Type.Object({
      place: Type.String({ description: 'A name from list_places' }),
      hours: Type.Optional(Type.Integer({ minimum: 1, maximum: 48, description: 'How far to look ahead; default 12' })),
    }),
    async execute(_callId, { place, hours = 12 }, signal, _onUpdate, ctx) {
      const places: Places = JSON.parse(await readFile(placesFile(ctx.cwd), 'utf8'));
      const at = places[place];
      if (!at) throw new Error(`"${place}" is not in places.json; it has ${Object.keys(places).join(', ')}`);

      const temperatures = await askForecast(at, hours, signal);
      const text = `${place}: ${temperatures[0]} °C now, ${Math.min(...temperatures)} to ${Math.max(...temperatures)} °C in the next ${hours} hours`;
      return { content: [{ type: 'text', text }], details: { place, temperatures } };
    },
  });
}

function placesFile(workspace: string): string {
  return join(workspace, 'places.json');
}

async function askForecast({ latitude, longitude }: Place, hours: number, signal?: AbortSignal): Promise<number[]> {
  const url = new URL('https://api.open-meteo.com/v1/forecast');
  url.search = new URLSearchParams({
    latitude: String(latitude),
    longitude: String(longitude),
    hourly: 'temperature_2m',
    forecast_hours: String(hours),
  }).toString();

  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`the weather service answered ${response.status}`);
  const { hourly } = (await response.json()) as { hourly: { temperature_2m: number[] } };
  return hourly.temperature_2m;
}
