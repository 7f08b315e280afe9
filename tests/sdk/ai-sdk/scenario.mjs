// Asks the gateway through one provider of the Vercel AI SDK and prints what the SDK makes of the answers as JSON.
//
//     node scenario.mjs <base URL> <token> <model> <format>

import { createAlibaba } from "@ai-sdk/alibaba";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, jsonSchema, streamText, tool } from "ai";

const [baseURL, apiKey, id, format] = process.argv.slice(2);
const settings = { baseURL, apiKey };
const model = {
  chat: () => createAlibaba(settings)(id),
  responses: () => createOpenAI(settings).responses(id),
  messages: () => createAnthropic(settings)(id),
}[format]();

// Thinking is asked for in the words of each format.
const providerOptions = {
  chat: { alibaba: { enableThinking: true } },
  responses: { openai: { reasoningEffort: "low", reasoningSummary: "auto", forceReasoning: true } },
  messages: { anthropic: { thinking: { type: "enabled", budgetTokens: 2048 } } },
}[format];

const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = {
  weather: tool({ description: "weather", inputSchema: jsonSchema(parameters) }),
  clock: tool({ description: "clock", inputSchema: jsonSchema(parameters) }),
};
// The service calls one tool at a time unless told otherwise.
const parallel = { alibaba: { parallelToolCalls: true }, openai: { parallelToolCalls: true } };
const calling = { tools, providerOptions: parallel, prompt: 'use weather {"city": "Paris"} and clock {"city": "Rome"}' };
const thinking = { providerOptions, prompt: "why", maxOutputTokens: 4096 };

const counts = (usage) => ({ input: usage.inputTokens, output: usage.outputTokens });
const calls = (list) => list.map((call) => [call.toolName, call.input]);

async function whole(options) {
  const answer = await generateText({ model, maxRetries: 0, ...options });
  return {
    text: answer.text,
    reasoning: answer.reasoningText ?? "",
    calls: calls(answer.toolCalls),
    finish: answer.finishReason,
    usage: counts(answer.usage),
  };
}

async function streamed(options) {
  const errors = [];
  const answer = streamText({ model, maxRetries: 0, onError: ({ error }) => errors.push(String(error)), ...options });
  let text = "";
  let reasoning = "";
  for await (const part of answer.fullStream) {
    if (part.type === "text-delta") text += part.text;
    if (part.type === "reasoning-delta") reasoning += part.text;
  }
  if (errors.length > 0) return { errors };
  return {
    text,
    reasoning,
    calls: calls(await answer.toolCalls),
    finish: await answer.finishReason,
    usage: counts(await answer.usage),
  };
}

globalThis.AI_SDK_LOG_WARNINGS = false;
const results = {};
for (const [name, options] of Object.entries({ plain: { prompt: "hello there" }, calling, thinking })) {
  results[name] = { whole: await whole(options), streamed: await streamed(options) };
}
console.log(JSON.stringify(results));
