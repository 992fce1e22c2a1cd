// A marketplace's listener: every event of orders and balances, through onmessage.
import EventSource from "eventsource";

const stream = new EventSource(
  `${process.env.API}/events?resourceTypes=Order,Balance`,
  { headers: { Authorization: `Bearer ${process.env.KEY}` } },
);

stream.onopen = () => console.log("open");

stream.onmessage = (message) => {
  const event = JSON.parse(message.data);
  console.log(
    [message.lastEventId, event.eventType, event.aggregateType, event.aggregateId].join(" "),
  );
  if (event.eventType === "order.closed") {
    stream.close();
  }
};

stream.onerror = (error) => console.error("error", error);
