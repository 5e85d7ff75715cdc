import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";
import { storeContract } from "./store-contract.ts";

storeContract("memory", async ({ clock, retainedChanges }) => createMemoryStore({ clock, retainedChanges }), {
  durable: false,
  compacts: true,
});
