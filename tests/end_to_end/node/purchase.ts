// A caller with the generated client: names, bodies and codes as a developer writes them.
import { client } from "./gen/client.gen";
import { createOrder, getBalance, reserveOrder } from "./gen/sdk.gen";
import type { Escrow, Milestone, NewOrder, Order, OrderStatus } from "./gen/types.gen";

client.setConfig({
  baseUrl: process.env.URL!,
  headers: { Authorization: `Bearer ${process.env.KEY}` },
});

const wanted: NewOrder = {
  buyerId: process.env.BUYER!,
  sellerId: process.env.SELLER!,
  amount: "5.00",
  title: "A logo",
  milestones: [{ ref: "draft", title: "Draft", amount: "5.00" }],
};

function lastChange(order: Order): string {
  const escrow: Escrow | null = order.escrow;
  const milestone: Milestone = order.milestones[0];
  return `${milestone.orderId} ${milestone.description} ${escrow?.currency} ${escrow?.updatedAt}`;
}

async function main(): Promise<void> {
  const created = await createOrder({ body: wanted });
  if (created.data === undefined) throw new Error(created.error.error.code);
  const order: Order = created.data.data;
  console.log(lastChange(order));

  const reserved = await reserveOrder({ path: { orderId: order.id }, body: {} });
  const status: OrderStatus | undefined = reserved.data?.data.status;
  console.log(status);

  const again = await reserveOrder({ path: { orderId: order.id }, body: {} });
  if (again.error !== undefined) {
    switch (again.error.error.code) {
      case "FUNDS_ALREADY_RESERVED":
        console.log("refused", again.response?.status, again.error.error.code);
        break;
      case "INSUFFICIENT_FUNDS":
        throw new Error("poor");
    }
  }
  const balance = await getBalance({ path: { userId: process.env.BUYER! } });
  console.log(balance.data?.data.reserved);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
