package io.cistern.batch;

import java.util.ArrayList;
import java.util.List;
import org.apache.camel.AggregationStrategy;
import org.apache.camel.Exchange;

/**
 * A strategy for {@code split: ${body}} over a batch: what comes out is the batch with those of its records for which the
 * steps inside did not set the exchange property {@code keep} to false. The steps may change the body as they like; the
 * records stay as they are.
 */
public final class KeepRecords implements AggregationStrategy {

    private static final String KEPT = KeepRecords.class.getName();

    @Override
    public Exchange aggregate(Exchange collected, Exchange record, Exchange input) {
        Exchange result = collected == null ? record : collected;
        @SuppressWarnings("unchecked")
        List<Integer> kept = collected == null ? new ArrayList<>() : collected.getProperty(KEPT, List.class);
        if (record.getProperty("keep", true, Boolean.class)) {
            kept.add(record.getProperty(Exchange.SPLIT_INDEX, Integer.class));
        }
        result.setProperty(KEPT, kept);
        if (record.getProperty(Exchange.SPLIT_COMPLETE, false, Boolean.class)) {
            Batch batch = input.getMessage().getBody(Batch.class);
            result.getMessage().setBody(batch.withRecords(pick(batch, kept)));
            // What the steps said of the first record must not hold for those of the next split.
            result.removeProperty("keep");
            result.removeProperty(KEPT);
        }
        return result;
    }

    @Override
    public Exchange aggregate(Exchange collected, Exchange record) {
        throw new UnsupportedOperationException("keepRecords is for split steps only");
    }

    private static List<Record> pick(Batch batch, List<Integer> kept) {
        List<Record> records = new ArrayList<>(kept.size());
        int index = 0;
        int next = 0;
        for (Record record : batch) {
            if (next < kept.size() && kept.get(next) == index++) {
                records.add(record);
                next++;
            }
        }
        return records;
    }
}
